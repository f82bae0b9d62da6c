"""The `surveys:` section of config.yaml against the rest of it: the prompts of a survey by keys."""

from collections.abc import Iterator

from ari_app.ivr.settings import IvrSettings
from ari_app.problem import Problem
from desk.surveys import SurveySettings

PROMPTS = ("survey_ask", "survey_thanks")


def check_surveys(settings: SurveySettings, ivr: IvrSettings) -> Iterator[Problem]:
    """Prompts that are missing where a menu may lead to a survey."""
    asked = settings.after_talk or any(menu.survey for menu in ivr.menus.values())
    for name in PROMPTS if asked else ():
        if name not in ivr.prompts:
            yield Problem(
                ("ivr", "prompts"),
                f"the prompt {name!r} is missing; add it, or set surveys.after_talk: false",
            )
