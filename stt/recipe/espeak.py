"""libespeak-ng through ctypes: speech together with the moment at which each phoneme starts.

Source: espeak-ng/speak_lib.h of espeak-ng 1.51. The voice is `cmn-latn-pinyin`; the voices `cmn`
and `zh` of that version read Chinese characters as English spelling.
"""

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

VOICE = "cmn-latn-pinyin"
LIBRARY = "libespeak-ng.so.1"
DEFAULT_SPEED, DEFAULT_PITCH, DEFAULT_RANGE = 175, 50, 50

_OUTPUT_SYNCHRONOUS, _WITH_PHONEME_EVENTS = 2, 1
_EVENT_END_OF_LIST, _EVENT_PHONEME = 0, 7
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_POSITION_CHARACTER, _TEXT_IS_UTF8 = 1, 1


class EspeakError(Exception):
    """espeak-ng is missing or lacks a voice; the message says which Debian package brings it."""


class _Name(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    )


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Name),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True)
class Spoken:
    """One utterance: int16 `samples` at `rate` Hz, and (first sample, phoneme) in order."""

    samples: NDArray[np.int16]
    rate: int
    phonemes: list[tuple[int, str]]


class Espeak:
    """One speaking espeak-ng; the library keeps one per process."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL(LIBRARY)
        except OSError as error:
            raise EspeakError(f"{LIBRARY} is missing; install libespeak-ng1") from error
        self._rate = self._library.espeak_Initialize(
            _OUTPUT_SYNCHRONOUS, 0, None, _WITH_PHONEME_EVENTS
        )
        if self._rate <= 0:
            raise EspeakError("espeak-ng does not start; install espeak-ng-data")
        self._callback = _Callback(self._collect)  # must outlive the library's use of it
        self._library.espeak_SetSynthCallback(self._callback)
        self._audio: list[bytes] = []
        self._phonemes: list[tuple[int, str]] = []
        self._voice = ""

    def say(
        self,
        text: str,
        variant: str = "",
        speed: int = DEFAULT_SPEED,
        pitch: int = DEFAULT_PITCH,
        pitch_range: int = DEFAULT_RANGE,
    ) -> Spoken:
        """Speak `text`; `speed` in words a minute, `pitch` and `pitch_range` 0 … 100.

        Raises:
            EspeakError: there is no such voice variant.
        """
        self._use(f"{VOICE}+{variant}" if variant else VOICE)
        settings = {_RATE: speed, _PITCH: pitch, _RANGE: pitch_range, _VOLUME: 100}
        for parameter, value in settings.items():
            self._library.espeak_SetParameter(parameter, value, 0)
        self._audio, self._phonemes = [], []
        coded = text.encode()
        self._library.espeak_Synth(
            coded, len(coded) + 1, 0, _POSITION_CHARACTER, 0, _TEXT_IS_UTF8, None, None
        )
        samples = np.frombuffer(b"".join(self._audio), np.int16)
        return Spoken(samples, self._rate, self._phonemes)

    def syllables(self, text: str) -> list[list[str]]:
        """The phonemes of `text`, grouped by syllable."""
        groups: list[list[str]] = [[]]
        for _, phoneme in self.say(text).phonemes:
            if phoneme.startswith("_"):
                groups.append([])
            elif phoneme not in ("", "("):
                groups[-1].append(phoneme)
        return [group for group in groups if group]

    def _use(self, voice: str) -> None:
        if voice == self._voice:
            return
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise EspeakError(
                f"espeak-ng has no voice {voice}; install espeak-ng-data 1.51 or later"
            )
        self._voice = voice

    def _collect(self, wave: Any, count: int, events: Any) -> int:
        if wave and count > 0:
            self._audio.append(ctypes.string_at(wave, 2 * count))
        i = 0
        while events[i].type != _EVENT_END_OF_LIST:
            if events[i].type == _EVENT_PHONEME:
                name = events[i].id.string.decode("utf-8", "replace")
                self._phonemes.append((events[i].sample, name))
            i += 1
        return 0
