"""What people ask for: forms, proposals, the policy, the sealed text."""
