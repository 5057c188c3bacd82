"""A scorecard as people and machines read it: terminal, HTML, JUnit, SARIF, Navigator, Markdown, metrics."""
