"""The published JSON Schema of plan files is that of the model, and the rules in the docs are those of the code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim.signals.plan import plan_schema
from sim.signals.rules import RULES, Rule

DOCS = Path(__file__).parents[2] / "docs"


def test_the_published_schema_is_the_models() -> None:
    published = json.loads((DOCS / "plan.schema.json").read_text(encoding="utf-8"))
    assert published == plan_schema(), "gruenband plan schema > docs/plan.schema.json"


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_docs_tell_every_rule(rule: Rule) -> None:
    text = (DOCS / "plans.md").read_text(encoding="utf-8")
    assert f"| `{rule.id}` | {rule.sentence} | {rule.source} |" in text
