"""Replace the approval policy: the next version, agreed to under the one in force."""

from __future__ import annotations

import json
from typing import Any

from django import forms

from billing.changes.asking.basis import Basis
from billing.changes.asking.example import Example, World
from billing.changes.asking.kind import Kind, ProposalForm
from billing.changes.asking.proposal import Planned, Proposal
from billing.changes.holds import of_itself
from billing.changes.local.policy import POLICY, NewPolicy, policy_now
from billing.changes.refusals import BadInput
from billing.lists.text import counted


class PolicyForm(ProposalForm):
    """The rules as JSON."""

    rules = forms.JSONField(label="Rules", widget=forms.Textarea(attrs={"rows": 20, "spellcheck": "false"}))


class ReplacePolicy(Kind):
    """`policy.replace`"""

    name = "policy.replace"
    label = "Replace the approval policy"
    needs_customer = False
    has_page = False

    def form(self, basis: Basis, data: Any = None) -> ProposalForm:
        return PolicyForm(data, initial={**policy_now(), **basis.again})

    def build(self, entered: dict[str, Any], basis: Basis) -> Proposal:
        now, rules = policy_now(), entered["rules"]
        if rules == now["rules"]:
            raise BadInput("Those are the rules in force already.", field="rules")
        number = now["version"] + 1
        if not isinstance(rules, list):
            raise BadInput("A policy is a list of rules.", field="rules")
        return Proposal(
            kind=self.name,
            sentence=f"Replace the approval policy by version {number}, with {counted(len(rules), 'rule')}.",
            customer_id=None,
            subject_text="Approval policy",
            before={POLICY: now},
            calls=(Planned("policy.replace", NewPolicy(number, json.dumps(rules, sort_keys=True))),),
            holds=(of_itself(POLICY),),
            watched={POLICY: {"version": now["version"]}},
            facts={"irreversible": False},
            form={"rules": rules},
        )

    def example(self, world: World) -> Example:
        stricter = {
            "name": "Two people for a new policy",
            "kinds": [self.name],
            "when": [],
            "steps": [{"role": "manager", "people": 2}],
        }
        rules = json.dumps([*policy_now()["rules"], stricter])
        return Example(Basis(), "Agreed with the auditors.", {"rules": rules})
