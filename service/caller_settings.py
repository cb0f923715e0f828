"""The settings of callers and their keys; `settings` has them with the server's."""

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings

from .callers import DEFAULT_CALLER, KEY_ALLOWED, callers_from, is_key


class CallerSettings(BaseSettings):
    model_api_key: SecretStr = Field(description="The key callers send as `Authorization: Bearer <key>`.")
    model_api_keys: SecretStr = Field(
        default=SecretStr(""),
        description="Further callers and their keys, `name=key` separated by commas or in lines; the holder "
        "of MODEL_API_KEY is the caller `default`. All may use every route; each sees its own jobs alone.",
    )

    def keys_by_caller(self) -> dict[str, str]:
        """Return every caller's key by the caller's name."""
        further = callers_from(self.model_api_keys.get_secret_value())
        return {DEFAULT_CALLER: self.model_api_key.get_secret_value(), **further}

    @field_validator("model_api_key")
    @classmethod
    def _key_fits_a_header(cls, key: SecretStr) -> SecretStr:
        if not is_key(key.get_secret_value()):
            raise PydanticCustomError("key", "{allowed}", {"allowed": KEY_ALLOWED})
        return key

    @field_validator("model_api_keys")
    @classmethod
    def _callers_differ(cls, keys: SecretStr, info: ValidationInfo) -> SecretStr:
        try:
            found = callers_from(keys.get_secret_value())
        except ValueError as error:
            words = f"name=key, separated by commas or in lines; {error}"
            raise PydanticCustomError("callers", "{allowed}", {"allowed": words}) from None
        own = info.data.get("model_api_key")
        if own is not None and own.get_secret_value() in found.values():
            words = "keys that differ from MODEL_API_KEY"
            raise PydanticCustomError("callers", "{allowed}", {"allowed": words})
        return keys
