# requires: pyyaml
"""Documents with anchors, tags and errors."""

import yaml


def handler(event, context):
    text = "base: &b {x: 1, when: 2016-08-29}\nuse:\n  <<: *b\n  y: [1.5, ~, yes, 'ü']\n---\n- |\n  lines\n  kept\n"
    documents = list(yaml.safe_load_all(text))
    try:
        yaml.safe_load("a: [1,")
        error = None
    except yaml.YAMLError as exc:
        error = [exc.problem, exc.problem_mark.line]
    return [yaml.safe_dump(documents, allow_unicode=True), error, yaml.__with_libyaml__]
