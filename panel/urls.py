"""The addresses of the pages."""

from datetime import date

from allauth.account import views as login
from django.urls import path, re_path, register_converter
from django.urls.converters import StringConverter
from django.views.generic import RedirectView

from mailqueue.states import Event
from panel.views import (
    dashboard,
    errors,
    errors_list,
    hosting,
    invitations,
    language,
    manage_account,
    members,
    queue,
    report_address,
    review,
    scripts_emails,
    selection,
    sending_help,
    simulator,
    tokens,
    trial,
    users,
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


class Choice:
    """What can be done with chosen e-mails."""

    regex = "release|purge"

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


register_converter(Day, "day")
register_converter(Token, "token")
register_converter(ServiceName, "name")
register_converter(Action, "action")
register_converter(Choice, "choice")
register_converter(RowNumber, "row")
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
        "web/hosting/<name:service_name>/report-address/",
        report_address.change,
        name="report_address",
    ),
    path("report-address/<token:token>/", report_address.confirm, name="report_address_confirm"),
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
    path("dashboard/", dashboard.page, name="dashboard"),
    path("users/", users.page, name="users"),
    path("users/<row:pk>/deactivate/", users.deactivate, name="user_deactivate"),
    path("users/<row:pk>/reactivate/", users.reactivate, name="user_reactivate"),
    path(
        "users/invitations/<row:pk>/again/", users.send_again, name="administrator_invitation_again"
    ),
    path(
        "users/invitations/<row:pk>/revoke/", users.revoke, name="administrator_invitation_revoke"
    ),
    path("simulator/", simulator.mailbox, name="simulator"),
    path("simulator/<row:pk>/", simulator.message, name="simulated_message"),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.failure
