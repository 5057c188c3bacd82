"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const colors = ["ink", "soft", "line", "accent", "good", "bad", "warn", "quiet"];
  const rowsOnTimeline = 24;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  const views = {};
  const state = { campaign: null, rule: null, mode: "share" };
  const all = (selector) => [...document.querySelectorAll(selector)];

  function palette() {
    const style = getComputedStyle(document.documentElement);
    return Object.fromEntries(colors.map((name) => [name, style.getPropertyValue("--" + name).trim()]));
  }

  function config(p) {
    const font = getComputedStyle(document.body).fontFamily;
    return {
      background: null, font, padding: 4, view: { stroke: null },
      axis: { labelColor: p.soft, titleColor: p.soft, gridColor: p.line, domainColor: p.line, tickColor: p.line,
        labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", gridOpacity: 0.8 },
    };
  }

  function rows(id) {
    const kept = id === "timeline" ? state.campaign : state.rule;
    return kept ? data.rows[id].filter((row) => kept.has(row)) : data.rows[id];
  }

  function settings(id) {
    if (!data.rows[id]) return null;
    const shown = rows(id).slice(0, id === "timeline" ? rowsOnTimeline : undefined);
    const which = state.mode === "share" ? 0 : 1;
    const reach = Math.max(0.001, ...shown.map((row) => (data.reach[row] || [1, 1])[which]));
    return { height: (Math.max(shown.length, 1) + 0.5) * data.steps[id], shown, reach, mode: state.mode };
  }

  async function draw() {
    const p = palette();
    for (const [id, spec] of Object.entries(data.charts)) {
      const place = document.getElementById(id);
      if (!place) continue;
      if (views[id]) views[id].finalize();
      const set = { ...p, ...settings(id) };
      const params = spec.params.map((x) => (x.name in set ? { ...x, value: set[x.name] } : x));
      const made = await window.vegaEmbed(place, { ...spec, height: set.height || spec.height, params }, {
        mode: "vega-lite", renderer: "svg", actions: false, ast: true, defaultStyle: false, config: config(p),
        tooltip: { theme: "custom", disableDefaultStyle: true },
      });
      views[id] = made;
      place.dataset.drawn = "yes";
    }
    document.documentElement.dataset.drawn = dark.matches ? "dark" : "light";
  }

  function update() {
    for (const [id, made] of Object.entries(views)) {
      const set = settings(id);
      if (!set) continue;
      if (id === "timeline") made.view.signal("mode", set.mode).signal("reach", set.reach);
      made.view.signal("shown", set.shown).height(set.height).resize().run();
    }
    const note = document.getElementById("timeline-note");
    if (note) {
      const many = rows("timeline").length;
      note.hidden = many > 0 && many <= rowsOnTimeline;
      note.textContent = many ? `The first ${rowsOnTimeline} of ${many} campaigns are drawn; filter to see others.`
        : "No campaign matches the filter.";
    }
  }

  function filter() {
    const words = document.getElementById("q").value.toLowerCase().split(/\s+/).filter(Boolean);
    const status = document.getElementById("status").value;
    const fits = (row) => words.every((w) => row.dataset.text.toLowerCase().includes(w));
    const on = words.length > 0 || status !== "";
    const kept = { campaign: new Set(), rule: new Set(), untested: new Set() };
    const books = new Set();
    for (const row of all("tr[data-kind]")) {
      const kind = row.dataset.kind;
      const keep = fits(row) && (kind !== "campaign" || !status || row.dataset.status === status);
      row.hidden = !keep;
      if (keep) kept[kind].add(row.dataset.id);
      if (keep && kind === "campaign") books.add(row.dataset.playbook);
    }
    for (const figure of all("figure[data-kind=playbook]")) figure.hidden = on && !books.has(figure.dataset.playbook);
    for (const note of all("[data-none]")) {
      note.hidden = all(`[data-kind=${note.dataset.none}]`).some((x) => !x.hidden);
    }
    const total = all("tr[data-kind=campaign]").length;
    document.getElementById("reset").hidden = !on;
    document.getElementById("count").textContent =
      on ? `${kept.campaign.size} of ${total} campaigns, ${kept.rule.size} rules` : "";
    state.campaign = on ? kept.campaign : null;
    state.rule = words.length ? kept.rule : null;
    update();
  }

  const box = document.getElementById("q");
  if (box) {
    box.addEventListener("input", filter);
    document.getElementById("status").addEventListener("change", filter);
    box.form.addEventListener("submit", (event) => event.preventDefault());
    box.form.addEventListener("reset", () => setTimeout(filter, 0));
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
        event.preventDefault();
        box.focus();
      }
    });
  }
  for (const radio of all("input[name=mode]")) {
    radio.addEventListener("change", () => { state.mode = radio.value; update(); });
  }
  for (const link of all(".links a")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      document.querySelector(link.getAttribute("href")).scrollIntoView({ behavior: still.matches ? "auto" : "smooth" });
    });
  }
  for (const frame of all(".graph > .scroll")) frame.scrollLeft = (frame.scrollWidth - frame.clientWidth) / 2;
  dark.addEventListener("change", draw);
  draw().then(() => { update(); });
})();
