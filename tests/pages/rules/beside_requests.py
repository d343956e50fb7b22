"""The rules about people, what is mirrored, and what Django keeps; the table of rules takes them in."""

from __future__ import annotations

from tests.pages.rules.rows import Command, Nothing, Page, Rule, Sql, Untold

CODE = "only code gives this value; nothing that is typed gets there"
NOT_DONE = "the application does nothing like it"
UNTOLD = "the record does not tell of it"
KEPT = "no page changes or removes such a row"
NEW = "seven-quiet-otters"

PEOPLE: dict[str, Rule] = {
    "user.usernames_differ_in_more_than_case": Command(
        ("FINANCE",), {"name": "Eve", "role": "manager"}, "Somebody signs in with this name already"
    ),
    "user.billing_user_username_key": Command(
        ("finance",), {"name": "Eve", "role": "manager"}, "Nobody was added. username: "
    ),
    "user.name_is_given": Command(("eve",), {"name": " ", "role": "manager"}, "Nobody was added. name: "),
    "user.role_is_known": Command(("eve",), {"name": "Eve", "role": "owner"}, "invalid choice: 'owner'"),
    "user.nobody_is_superuser_or_staff": Sql(CODE, "UPDATE billing_user SET is_staff = true", as_="bare"),
    "user.practice": Sql(
        "nobody is called otherwise later",
        "UPDATE billing_user SET username = 'eve' WHERE role = 'finance'",
        NOT_DONE,
    ),
    "user.rights_are_agreed": Sql(
        "a role changes by an agreed request alone, and pages say who has to agree",
        "UPDATE billing_user SET role = 'manager', session_generation = session_generation + 1"
        " WHERE role = 'finance'",
        "nobody has agreed to this change of rights",
    ),
    "user.rights_are_told": Sql(
        "access is ended with its audit row",
        "UPDATE billing_user SET is_active = false, session_generation = session_generation + 1"
        " WHERE role = 'finance'",
        UNTOLD,
    ),
    "user.who_left_may_not_come_in": Sql(CODE, "UPDATE billing_user SET left_at = now()", as_="bare"),
    "accesstoken.token_is_guarded": Sql(KEPT, "DELETE FROM billing_accesstoken", "revoked, never deleted"),
    "accesstoken.token_is_told": Untold(
        "finance", "/tokens/", {"name": "Another", "lists": "customers", "days": "30"}, "INSERT"
    ),
    "accesstoken.token_end_is_told": Sql(
        "the page records it",
        "UPDATE billing_accesstoken SET revoked_at = now(), revoked_by_id = owner_id",
        UNTOLD,
    ),
    "accesstoken.token_names_of_a_person_differ": Page(
        "finance",
        "/tokens/",
        422,
        "You have a token of this name.",
        {"name": "Archive", "lists": "customers", "days": "30"},
    ),
    "accesstoken.token_reads_something": Page(
        "finance", "/tokens/", 422, "Choose at least one.", {"name": "Another", "days": "30"}
    ),
    "accesstoken.token_ends_within_a_year": Sql(
        CODE, "UPDATE billing_accesstoken SET expires_at = expires_at + interval '9 years'", as_="bare"
    ),
    "accesstoken.token_digest_is_sha256": Sql(
        CODE, "UPDATE billing_accesstoken SET digest = 'odd'", as_="bare"
    ),
    "accesstoken.token_is_revoked_by_somebody": Sql(
        CODE, "UPDATE billing_accesstoken SET revoked_at = now()", as_="bare"
    ),
    "accesstoken.billing_accesstoken_digest_key": Sql(
        "secrets are drawn from 256 random bits",
        "INSERT INTO billing_accesstoken (id, owner_id, name, lists, digest, ending, expires_at)"
        " SELECT gen_random_uuid(), owner_id, 'Another', lists, digest, ending, expires_at"
        " FROM billing_accesstoken",
        as_="bare",
    ),
    "user.person_is_told": Sql(
        "only add_person makes people, with its audit row",
        copies="user",
        columns={"username": "'eve' || id"},
        says=UNTOLD,
    ),
    "user.password_is_told": Untold(
        "finance",
        "/accounts/password/change/",
        {
            "oldpassword": "countersign-demo",
            "password1": "seven-quiet-otters",
            "password2": "seven-quiet-otters",
        },
        "UPDATE",
    ),
    "user.email_is_told": Sql(
        "only set_email changes it, with its audit row",
        "UPDATE billing_user SET email = 'eve@books.example'",
        UNTOLD,
    ),
    "resetlink.a_reset_secret_opens_one_account": Sql(
        "secrets are drawn from 256 random bits",
        "INSERT INTO billing_resetlink (address, digest, expires_at)"
        " VALUES ('', 'same', now()), ('', 'same', now())",
        as_="bare",
    ),
    "resetlink.a_reset_link_is_mailed_or_handed_over": Sql(
        CODE, "UPDATE billing_resetlink SET address = 'eve@books.example'", as_="bare"
    ),
    "user_groups.billing_user_groups_user_id_group_id_af6b9d11_uniq": Nothing("Django's own, and empty here"),
    "user_user_permissions.billing_user_user_permis_user_id_permission_id_78bf0dc2_uniq": Nothing(
        "Django's own, and empty here"
    ),
}

NOTICES: dict[str, Rule] = {
    "notice.practice": Sql(KEPT, "DELETE FROM billing_notice", NOT_DONE),
    "notice.a_person_is_told_once": Sql(CODE, copies="notice", as_="bare"),
    "notice.what_is_told_is_known": Sql(CODE, "UPDATE billing_notice SET about = 'odd'", as_="bare"),
    "notice.a_notice_leads_to_a_page_of_ours": Sql(
        CODE, "UPDATE billing_notice SET path = '//evil.example/'", as_="bare"
    ),
    "mail.practice": Sql(KEPT, "DELETE FROM billing_mail", NOT_DONE),
    "mail.billing_mail_uuid_key": Sql(CODE, copies="mail", columns={"state": "'given_up'"}, as_="bare"),
    "mail.one_mail_to_a_person_at_a_time": Sql(
        CODE, copies="mail", columns={"uuid": "gen_random_uuid()"}, as_="bare"
    ),
    "mail.mail_state_is_known": Sql(CODE, "UPDATE billing_mail SET state = 'odd'", as_="bare"),
    "mail.what_is_sent_has_its_time": Sql(CODE, "UPDATE billing_mail SET state = 'sent'", as_="bare"),
}

MIRROR: dict[str, Rule] = {
    "customer.customers_that_came": Nothing("it counts, and refuses nothing"),
    "customer.customers_that_moved": Nothing("it counts, and refuses nothing"),
    "customer.customers_that_went": Nothing("it counts, and refuses nothing"),
    "customerplan.subscriptions_that_came": Nothing("it counts, and refuses nothing"),
    "customerplan.subscriptions_that_moved": Nothing("it counts, and refuses nothing"),
    "customerplan.subscriptions_that_went": Nothing("it counts, and refuses nothing"),
    "customfieldkey.a_key_exists_once_per_entity": Sql(
        "only a refresh writes here, and stores each key once", copies="customfieldkey", as_="bare"
    ),
    "ingestalias.a_customer_holds_an_alias_once": Sql(
        "only a refresh writes here, and stores each alias once", copies="ingestalias", as_="bare"
    ),
    "reading.a_list_is_queued_once": Sql(
        "lists are lined up over what is queued already", copies="reading", as_="bare"
    ),
}

DJANGO: dict[str, Rule] = {
    f"{table}.only_migrations_write": Sql(
        "no page of ours uses what Django keeps here",
        f"DELETE FROM {'billing_' if table.startswith('user_') else ''}{table}",  # noqa: S608 our own words
        "only migrations write here",
    )
    for table in (
        "django_migrations",
        "django_content_type",
        "auth_permission",
        "auth_group",
        "auth_group_permissions",
        "user_groups",
        "user_user_permissions",
    )
}
