"""What a playbook step can do; one file per action."""
