"""From settings to what decides about surveys."""

from ari_app.chores import service_settings
from ari_app.settings import Settings
from desk import service
from desk.surveys import SurveyPolicy


def survey_policy(settings: Settings) -> SurveyPolicy:
    """The policy of loaded settings."""
    return service.survey_policy(service_settings(settings))
