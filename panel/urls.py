"""The addresses of the pages."""

from datetime import date

from allauth.account import views as login
from allauth.mfa.base import views as second_factor
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from django.urls import path, re_path, register_converter
from django.urls.converters import StringConverter
from django.views.generic import RedirectView

from mailqueue.states import Event
from panel import script_words
from panel.views import (
    addresses,
    cases,
    dashboard,
    destinations,
    domains,
    errors,
    errors_list,
    hosting,
    invitations,
    journal,
    language,
    manage_account,
    members,
    messages,
    queue,
    report_address,
    review,
    rules,
    scripts,
    scripts_emails,
    selection,
    sending_help,
    signing,
    simulator,
    suppressions,
    tester,
    tokens,
    trial,
    users,
    wanted,
)


class ServiceName(StringConverter):
    """The name of an account; PostgreSQL would choke on NUL."""

    regex = r"[^/\x00]{1,253}"


class Action:
    """An event that has a button."""

    regex = "block|unblock|purge|lift"

    def to_python(self, value: str) -> Event:
        """The event of this name."""
        return Event(value)

    def to_url(self, value: str) -> str:
        """The name of the event."""
        return Event(value).value


class DomainName(StringConverter):
    """A domain as DNS has it."""

    regex = r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,126}"


class KeyStep:
    """What can be done with a signing key."""

    regex = "activate|retire"

    def to_python(self, value: str) -> signing.Step:
        """The step of this name."""
        return signing.Step(value)

    def to_url(self, value: str) -> str:
        """The name of the step."""
        return signing.Step(value).value


class ScriptKey(StringConverter):
    """What a script is known by."""

    regex = "[0-9a-f]{64}"


class ScriptStep:
    """What can be done with a script."""

    regex = "block|unblock|purge"

    def to_python(self, value: str) -> script_words.Step:
        """The step of this name."""
        return script_words.Step(value)

    def to_url(self, value: str) -> str:
        """The name of the step."""
        return script_words.Step(value).value


class Choice:
    """What can be done with chosen e-mails."""

    regex = "release|wanted|purge"

    def to_python(self, value: str) -> queue.Choice:
        """The choice of this name."""
        return queue.Choice(value)

    def to_url(self, value: str) -> str:
        """The name of the choice."""
        return queue.Choice(value).value


class Switch(Action):
    """An event that can be raised for many accounts at once."""

    regex = "block|unblock"


class RowNumber:
    """A number that both databases can look for."""

    regex = "[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        """The number."""
        return int(value)

    def to_url(self, value: int) -> str:
        """The number, without the separators of a locale."""
        return str(value)


class Token(StringConverter):
    """What `django.core.signing` makes."""

    regex = r"[A-Za-z0-9_:.-]{1,1024}"


class Day:
    """A date as ISO 8601 writes it."""

    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        """The date. Raises ValueError, and so matches nothing, if there is no such day."""
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        """The date in digits."""
        return value.isoformat()


class QueueId(StringConverter):
    """The name of a message, as `queue` makes it."""

    regex = "[A-Z0-9]{1,16}"


register_converter(QueueId, "queue_id")
register_converter(Day, "day")
register_converter(Token, "token")
register_converter(ServiceName, "name")
register_converter(Action, "action")
register_converter(Choice, "choice")
register_converter(DomainName, "domain")
register_converter(KeyStep, "key_step")
register_converter(RowNumber, "row")
register_converter(ScriptKey, "script_key")
register_converter(ScriptStep, "script_step")
register_converter(Switch, "switch")

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="accounts"), name="home"),
    path("login/", login.login, name="account_login"),
    path("logout/", login.logout, name="account_logout"),
    path("signup/", login.signup, name="account_signup"),
    path("closed/", login.account_inactive, name="account_inactive"),
    path("password/", login.password_change, name="account_change_password"),
    path("password/reset/", login.password_reset, name="account_reset_password"),
    path("password/reset/sent/", login.password_reset_done, name="account_reset_password_done"),
    path(
        "password/reset/done/",
        login.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    # allauth makes such addresses with a number to the base 36 and a token; any other is none.
    re_path(
        r"^password/reset/(?P<uidb36>[0-9A-Za-z]{1,13})-(?P<key>[0-9A-Za-z-]{1,128})/$",
        login.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("reauthenticate/", login.reauthenticate, name="account_reauthenticate"),
    path("2fa/", second_factor.index, name="mfa_index"),
    path("2fa/code/", second_factor.authenticate, name="mfa_authenticate"),
    path("2fa/reauthenticate/", second_factor.reauthenticate, name="mfa_reauthenticate"),
    path("2fa/on/", totp.activate_totp, name="mfa_activate_totp"),
    path("2fa/off/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("2fa/recovery/", recovery_codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "2fa/recovery/new/",
        recovery_codes.generate_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path(
        "2fa/recovery/download/",
        recovery_codes.download_recovery_codes,
        name="mfa_download_recovery_codes",
    ),
    path("language/", language.choose, name="set_language"),
    path("web/hosting/", hosting.accounts, name="accounts"),
    # No account has this name: it is no domain.
    path("web/hosting/add/", manage_account.add, name="account_add"),
    path("web/hosting/<name:service_name>/", hosting.account, name="account"),
    path("web/hosting/<name:service_name>/edit/", manage_account.edit, name="account_edit"),
    path("web/hosting/<name:service_name>/close/", manage_account.close, name="account_close"),
    path("web/hosting/<name:service_name>/reopen/", manage_account.reopen, name="account_reopen"),
    path("web/hosting/<name:service_name>/tokens/", tokens.page, name="tokens"),
    path(
        "web/hosting/<name:service_name>/tokens/<row:pk>/revoke/",
        tokens.revoke,
        name="token_revoke",
    ),
    path("web/hosting/<name:service_name>/domains/", domains.page, name="domains"),
    path("web/hosting/<name:service_name>/domains/add/", domains.add, name="domain_add"),
    path("web/hosting/<name:service_name>/domains/senders/", domains.policy, name="domain_policy"),
    path("web/hosting/<name:service_name>/domains/<domain:domain>/", signing.page, name="domain"),
    path(
        "web/hosting/<name:service_name>/domains/<domain:domain>/remove/",
        domains.remove,
        name="domain_remove",
    ),
    path(
        "web/hosting/<name:service_name>/domains/<domain:domain>/keys/",
        signing.make,
        name="key_make",
    ),
    path(
        "web/hosting/<name:service_name>/domains/<domain:domain>/keys/<row:pk>/<key_step:step>/",
        signing.key_step,
        name="key_step",
    ),
    path("domains/", signing.house, name="house_domains"),
    path("domains/<domain:domain>/", signing.page, name="house_domain"),
    path("domains/<domain:domain>/keys/", signing.make, name="house_key_make"),
    path(
        "domains/<domain:domain>/keys/<row:pk>/<key_step:step>/",
        signing.key_step,
        name="house_key_step",
    ),
    path(
        "web/hosting/<name:service_name>/scripts-emails/",
        scripts_emails.page,
        name="scripts_emails",
    ),
    path(
        "web/hosting/<name:service_name>/scripts-emails/live/",
        scripts_emails.live,
        name="scripts_emails_live",
    ),
    path(
        "web/hosting/<name:service_name>/scripts-emails/<action:action>/confirm/",
        scripts_emails.confirm,
        name="scripts_emails_confirm",
    ),
    path(
        "web/hosting/<name:service_name>/scripts-emails/<action:action>/",
        scripts_emails.act,
        name="scripts_emails_act",
    ),
    path("web/hosting/<name:service_name>/scripts-emails/review/", review.state, name="review"),
    path(
        "web/hosting/<name:service_name>/scripts-emails/review/refuse/",
        review.refuse,
        name="review_refuse",
    ),
    path("web/hosting/<name:service_name>/scripts/", scripts.page, name="scripts"),
    path(
        "web/hosting/<name:service_name>/scripts/<script_key:key>/", scripts.script, name="script"
    ),
    path(
        "web/hosting/<name:service_name>/scripts/<script_key:key>/<script_step:step>/confirm/",
        scripts.confirm,
        name="script_confirm",
    ),
    path(
        "web/hosting/<name:service_name>/scripts/<script_key:key>/<script_step:step>/",
        scripts.act,
        name="script_act",
    ),
    path("cases/", cases.everywhere, name="cases"),
    path("web/hosting/<name:service_name>/scripts-emails/cases/<row:pk>/", cases.page, name="case"),
    path(
        "web/hosting/<name:service_name>/scripts-emails/cases/<row:pk>/answer/",
        cases.answer,
        name="case_answer",
    ),
    path(
        "web/hosting/<name:service_name>/scripts-emails/cases/<row:pk>/e-mails/<row:sample_pk>/",
        cases.sample,
        name="case_sample",
    ),
    path(
        "web/hosting/<name:service_name>/scripts-emails/cases/<row:pk>/e-mails/<row:sample_pk>"
        "/html/",
        cases.html,
        name="case_sample_html",
    ),
    path(
        "web/hosting/<name:service_name>/scripts-emails/cases/<row:pk>/e-mails/<row:sample_pk>"
        "/download/",
        cases.download,
        name="case_sample_download",
    ),
    path("web/hosting/<name:service_name>/scripts-emails/queue/", queue.page, name="queue"),
    path(
        "web/hosting/<name:service_name>/scripts-emails/queue/<choice:choice>/confirm/",
        queue.confirm,
        name="queue_confirm",
    ),
    path(
        "web/hosting/<name:service_name>/scripts-emails/queue/<choice:choice>/",
        queue.act,
        name="queue_act",
    ),
    path(
        "web/hosting/<name:service_name>/scripts-emails/help/",
        sending_help.page,
        name="sending_help",
    ),
    path("web/hosting/<name:service_name>/scripts-emails/tester/", tester.page, name="tester"),
    path(
        "web/hosting/<name:service_name>/scripts-emails/tester/address/",
        tester.address,
        name="tester_address",
    ),
    path(
        "web/hosting/<name:service_name>/scripts-emails/tester/<queue_id:queue_id>/",
        tester.result,
        name="tester_result",
    ),
    path("web/hosting/<name:service_name>/scripts-emails/test/", trial.send, name="test_mail"),
    path(
        "web/hosting/<name:service_name>/scripts-emails/test/<slug:queue_id>/",
        trial.result,
        name="test_mail_result",
    ),
    path(
        "web/hosting/<name:service_name>/scripts-emails/errors/",
        errors_list.page,
        name="errors_list",
    ),
    path(
        "web/hosting/<name:service_name>/scripts-emails/errors/export/",
        errors_list.export,
        name="errors_export",
    ),
    path(
        "web/hosting/<name:service_name>/scripts-emails/reports/<day:day>/",
        errors_list.report,
        name="report",
    ),
    path(
        "web/hosting/<name:service_name>/scripts-emails/messages/<queue_id:queue_id>/",
        messages.page,
        name="message",
    ),
    path(
        "web/hosting/<name:service_name>/scripts-emails/messages/<queue_id:queue_id>/html/",
        messages.html,
        name="message_html",
    ),
    path(
        "web/hosting/<name:service_name>/scripts-emails/messages/<queue_id:queue_id>/download/",
        messages.download,
        name="message_download",
    ),
    path(
        "web/hosting/<name:service_name>/scripts-emails/messages/<queue_id:queue_id>/wanted/",
        wanted.page,
        name="message_wanted",
    ),
    path(
        "web/hosting/<name:service_name>/report-address/",
        report_address.change,
        name="report_address",
    ),
    path("report-address/<token:token>/", report_address.confirm, name="report_address_confirm"),
    path("web/hosting/<name:service_name>/exclusions/", suppressions.page, name="suppressions"),
    path(
        "web/hosting/<name:service_name>/exclusions/add/",
        suppressions.add,
        name="suppressions_add",
    ),
    path(
        "web/hosting/<name:service_name>/exclusions/remove/",
        suppressions.remove,
        name="suppressions_remove",
    ),
    path(
        "web/hosting/<name:service_name>/exclusions/export/",
        suppressions.export,
        name="suppressions_export",
    ),
    path("exclusions/", suppressions.house, name="house_suppressions"),
    path("exclusions/add/", suppressions.house_add, name="house_suppressions_add"),
    path("exclusions/remove/", suppressions.house_remove, name="house_suppressions_remove"),
    path("exclusions/export/", suppressions.house_export, name="house_suppressions_export"),
    path("web/hosting/<name:service_name>/members/", members.page, name="members"),
    path(
        "web/hosting/<name:service_name>/members/<row:pk>/role/", members.role, name="member_role"
    ),
    path(
        "web/hosting/<name:service_name>/members/<row:pk>/remove/",
        members.remove,
        name="member_remove",
    ),
    path(
        "web/hosting/<name:service_name>/invitations/<row:pk>/again/",
        members.send_again,
        name="invitation_again",
    ),
    path(
        "web/hosting/<name:service_name>/invitations/<row:pk>/revoke/",
        members.revoke,
        name="invitation_revoke",
    ),
    path("invitations/<token:token>/", invitations.accept, name="invitation"),
    path("selection/<switch:action>/confirm/", selection.confirm, name="selection_confirm"),
    path("selection/<switch:action>/", selection.act, name="selection_act"),
    path("web/hosting/<name:service_name>/rules/", rules.own, name="account_rules"),
    path("web/hosting/<name:service_name>/rules/reset/", rules.reset, name="account_rules_reset"),
    path("rules/", rules.page, name="rules"),
    path("rules/<slug:rule>/", rules.rule, name="rule"),
    path("dashboard/", dashboard.page, name="dashboard"),
    path("destinations/", destinations.page, name="destinations"),
    path("destinations/<row:pk>/resume/", destinations.resume, name="destination_resume"),
    path("users/", users.page, name="users"),
    path("users/<row:pk>/deactivate/", users.deactivate, name="user_deactivate"),
    path("users/<row:pk>/reactivate/", users.reactivate, name="user_reactivate"),
    path(
        "users/invitations/<row:pk>/again/", users.send_again, name="administrator_invitation_again"
    ),
    path(
        "users/invitations/<row:pk>/revoke/", users.revoke, name="administrator_invitation_revoke"
    ),
    path("web/hosting/<name:service_name>/journal/", journal.of_account, name="account_journal"),
    path(
        "web/hosting/<name:service_name>/journal/export/",
        journal.export_of_account,
        name="account_journal_export",
    ),
    path("web/hosting/<name:service_name>/addresses/", addresses.page, name="addresses"),
    path(
        "web/hosting/<name:service_name>/addresses/export/",
        addresses.export,
        name="addresses_export",
    ),
    path(
        "web/hosting/<name:service_name>/addresses/erase/",
        addresses.erase,
        name="addresses_erase",
    ),
    path("journal/", journal.everywhere, name="journal"),
    path("journal/export/", journal.export_everywhere, name="journal_export"),
    path("simulator/", simulator.mailbox, name="simulator"),
    path("simulator/<row:pk>/", simulator.message, name="simulated_message"),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.failure
