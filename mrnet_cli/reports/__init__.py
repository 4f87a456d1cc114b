"""What runs of commands add up to: tables, figures and a page, with the published numbers beside the measured ones."""
