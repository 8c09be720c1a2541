"""The simulated game's world: players, offers, and what each offer is worth.

A player has tastes and a purse that no event shows; country, sign-in method
and skill are correlated with them, which is all that a model can learn from.
"""

from dataclasses import dataclass

import numpy as np

from offer_ai.learning.candidates import candidates

COUNTRIES = ["US", "IN", "BR", "DE", "JP", "GB", "FR", "MX", "KR", "NG"]
COUNTRY_WEIGHTS = np.array([22, 18, 12, 9, 9, 8, 7, 7, 5, 3]) / 100
COUNTRY_PURSE = np.array([0.5, -0.9, -0.5, 0.3, 0.7, 0.4, 0.2, -0.4, 0.5, -1.1])
SIGNINS = ["facebook", "google", "email", "guest"]
SIGNIN_WEIGHTS = np.array([0.35, 0.25, 0.15, 0.25])
SIGNIN_PURSE = np.array([0.35, 0.15, 0.0, -0.4])

OFFER_RATE = 1 / 2  # offers per session
UPDATE_RATE = 0.01  # profile changes per session
WEEK_DAYS = 7

PURSE_SPREAD, TASTE_SPREAD = 0.7, 0.4  # between players of equal traits


@dataclass(frozen=True)
class Candidates:
    """The offers one can make: parallel arrays, one entry per candidate."""

    offer_type: np.ndarray  # text
    price: np.ndarray  # in currency units

    @property
    def cents(self) -> np.ndarray:
        return np.round(self.price * 100).astype(np.int64)


def load_candidates() -> Candidates:
    """The offers of the seed; order in the file is the index."""
    kinds, prices = zip(*candidates(), strict=True)
    return Candidates(offer_type=np.array(kinds), price=np.array(prices))


@dataclass
class Players:
    """Parallel arrays, one entry per player."""

    country: np.ndarray  # index into COUNTRIES
    signin: np.ndarray  # index into SIGNINS, changes with `user_updated`
    skill: np.ndarray  # log-odds of winning a game
    purse: np.ndarray  # log of the price the player finds natural
    taste: np.ndarray  # (players, candidates), log-odds
    sessions_per_day: np.ndarray
    games_per_session: np.ndarray
    stay: np.ndarray  # probability of being there the next day
    organic: np.ndarray  # probability that a session ends in a shop purchase
    has_two_devices: np.ndarray

    def __len__(self) -> int:
        return len(self.country)


def make_players(rng: np.random.Generator, count: int, offers: Candidates) -> Players:
    """Draws `count` players whose shown traits tell part of their tastes."""
    country = rng.choice(len(COUNTRIES), count, p=COUNTRY_WEIGHTS)
    signin = rng.choice(len(SIGNINS), count, p=SIGNIN_WEIGHTS)
    skill = rng.normal(0.0, 0.9, count)
    purse = usual_purse(country, signin, skill) + rng.normal(0.0, PURSE_SPREAD, count)
    kinds, kind_of = np.unique(offers.offer_type, return_inverse=True)
    taste = (
        usual_taste(country, skill, len(kinds))
        + rng.normal(0.0, TASTE_SPREAD, (count, len(kinds)))
    )[:, kind_of]
    return Players(
        country=country,
        signin=signin,
        skill=skill,
        purse=purse,
        taste=taste,
        sessions_per_day=rng.gamma(1.5, 0.5, count),
        games_per_session=1 + rng.gamma(4.0, 1.3, count),
        stay=1 - rng.beta(1.2, 60, count),
        organic=organic_rate(purse),
        has_two_devices=rng.random(count) < 0.05,
    )


def usual_purse(country: np.ndarray, signin: np.ndarray, skill: np.ndarray) -> np.ndarray:
    """The mean purse of players with these traits."""
    return 1.0 + COUNTRY_PURSE[country] + SIGNIN_PURSE[signin] + 0.2 * skill


def usual_taste(country: np.ndarray, skill: np.ndarray, kinds: int) -> np.ndarray:
    """Their mean taste for each kind of offer: (players, kinds).

    Each country likes other kinds; the draw is the world's, not the player's, so that a
    model can learn it.
    """
    return country_tastes(kinds)[country] + np.outer(skill, np.linspace(-0.6, 0.6, kinds))


def country_tastes(kinds: int) -> np.ndarray:
    """What each country likes of each kind of offer, in log-odds: (countries, kinds)."""
    return np.random.default_rng(20170814).normal(0.0, 0.7, (len(COUNTRIES), kinds))


def organic_rate(purse: np.ndarray) -> np.ndarray:
    return np.clip(0.004 * np.exp(0.7 * (purse - 1.0)), 0, 0.3)


def acceptance(players: Players, offers: Candidates) -> np.ndarray:
    """Probability that each player buys each offer: (players, candidates).

    A logit in taste and in the distance of the log price above the purse;
    most offers earn nothing.
    """
    dear = np.log(offers.price)[None, :] - players.purse[:, None]
    odds = -3.0 + players.taste - 1.1 * np.maximum(dear, -1.0)
    return 1 / (1 + np.exp(-odds))


SHOP_CENTS = np.array([199, 499, 999, 1999])


def shop_weights(players: Players) -> np.ndarray:
    """Chances of each shop pack in a purchase: (players, packs)."""
    gap = np.log(SHOP_CENTS / 100)[None, :] - players.purse[:, None]
    weights = np.exp(-(gap**2))
    return weights / weights.sum(axis=1, keepdims=True)


def expected_week_revenue(players: Players, offers: Candidates) -> np.ndarray:
    """Expected revenue in the 7 days from an offer: (players, candidates).

    The offer's own expectation plus what the player spends anyway: the shop
    purchase that may end this session, and both shop and (randomly chosen)
    offers in the sessions to come, of which a player who stays with daily
    probability s has `rate * (1/2 + s + ... + s^6 + s^7 / 2)`, the day of the
    offer and the eighth counting half each.
    """
    own = acceptance(players, offers) * offers.price[None, :]
    shop = players.organic * (shop_weights(players) @ (SHOP_CENTS / 100))
    powers = players.stay[:, None] ** np.arange(WEEK_DAYS + 1)[None, :]
    powers[:, [0, -1]] *= 0.5
    sessions = players.sessions_per_day * powers.sum(axis=1)
    later = sessions * (shop + OFFER_RATE * own.mean(axis=1))
    return own + (shop + later)[:, None]
