"""Names of providers and models: the spellings that mean one provider, near names, what a model is for by its name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

#: Names without case and punctuation -> the provider: of this project, OpenTelemetry, LiteLLM and the vendors themselves.
_ALIASES = {
    "aws": ("amazon", "amazonbedrock", "amazonwebservices", "awsbedrock", "bedrock", "bedrockconverse"),
    "azure": ("azureai", "azureaiinference", "azureaiopenai", "azureopenai", "microsoft", "microsoftfoundry"),
    "google": (
        *("gcp", "gcpgemini", "gcpgenai", "gcpvertexai", "gemini", "googleai", "googlecloud", "googlecloudplatform"),
        *("googlegla", "googlevertex", "googlevertexai", "vertex", "vertexai"),
    ),
    "deepseek": ("deepseekai",),
    "fireworks": ("fireworksai",),
    "mistral": ("mistralai",),
    "moonshotai": ("moonshot",),
    "perplexity": ("perplexityai",),
    "together": ("togetherai",),
    "x-ai": ("xai",),
}

#: Clouds that offer the models of others under the makers' names.
_RESELLERS = frozenset(("aws", "azure", "github-copilot"))

_BY_ALIAS = {alias: provider for provider, aliases in _ALIASES.items() for alias in aliases}

#: Words of a model's name -> what it is for; the first that fits. What no word tells, its units do.
_WORDS = (
    ("embedding", {"embed", "embedding", "embeddings", "multimodalembedding"}),
    ("rerank", {"rerank", "reranker"}),
    ("safety", {"guard", "moderation", "safeguard", "safety"}),
    ("ocr", {"ocr"}),
    ("realtime", {"live", "realtime", "sonic", "voice"}),
    ("transcription", {"asr", "transcribe", "whisper"}),
    ("speech", {"speech", "tts"}),
    ("audio", {"audio"}),
    ("image", {"canvas", "dall", "flux", "image", "imagen"}),
    ("video", {"reel", "sora", "veo", "video"}),
    ("search", {"online", "search", "sonar"}),
)


def squeeze(name: str) -> str:
    """Return a name without case, blanks and punctuation."""
    return re.sub(r"[^0-9a-z]", "", name.casefold())


def spellings(listed: Mapping[str, str]) -> dict[str, str]:
    """Return squeezed names of providers with their ids: the aliases, and ids and names of ``listed`` (id -> name)."""
    found = {squeeze(name): provider for provider, name in listed.items()}
    return _BY_ALIAS | found | {squeeze(provider): provider for provider in listed}


def canonical(provider: str, known: Mapping[str, str] | None = None) -> str:
    """Return the provider that a name means, by ``known`` spellings or the aliases; else the name itself, in small letters."""
    return (known or _BY_ALIAS).get(squeeze(provider), provider.strip().casefold())


def makers(offering: Iterable[str]) -> list[str]:
    """Return the providers without those that resell, or all where only such offer it; A to Z."""
    everybody = set(offering)
    return sorted(everybody - _RESELLERS or everybody)


def near(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return up to three known names that come close, the closest first."""
    by_lower = {each.casefold(): each for each in sorted(known, reverse=True)}
    return tuple(by_lower[each] for each in difflib.get_close_matches(name.casefold(), by_lower, n=3, cutoff=0.6))


def modality(model: str, units: Iterable[str]) -> str:
    """Return what a model is for: by a word of its name, else by the units that it is priced in."""
    words = set(re.split(r"[^a-z]+", model.lower()))
    for kind, telling in _WORDS:
        if words & telling:
            return kind
    given = set(units)
    if "images" in given:
        return "image"
    if "seconds" in given:
        return "audio"
    return "embedding" if "input_tokens" in given and "output_tokens" not in given else "text"
