"""Sentences in German, French, Spanish, Portuguese, Italian and Dutch: what they give away, what they only mention."""

from __future__ import annotations

import pytest

from seclog_handlers.redaction import Redactor

redactor = Redactor()

SECRET = "Hafen-27-licht"
SAID = [
    "Das Passwort für bob lautet {}",
    "Das Kennwort von bob ist {}",
    "neues Passwort für den Benutzer bob: {}",
    "Zugangsdaten: Benutzer bob, Passwort {}",
    "Geheimnis: {} gespeichert",
    "Le mot de passe de bob est : {}",
    "Le mot de passe de l'utilisateur bob est {}",
    "mot de passe incorrect {}",
    "mdp={} serveur=mail",
    "Clé secrète: {} chargée",
    "La contraseña de bob es {}",
    "nueva contraseña para bob -> {} guardada",
    "contraseña incorrecta: {}",
    "A senha do usuário bob é {}",
    "La password di bob è {}",
    "Accesso negato: utente bob, password errata {}",
    "parola d'ordine: {} utente=bob",
    "Het wachtwoord van bob is {}",
    "şifre: {} kullanıcı",
]
CODES = [
    "Votre code de vérification est {}",
    "Su código de verificación es {}",
    "O seu código de segurança é {}",
    "Il tuo codice di verifica è {}",
    "Uw verificatiecode is {}",
    "Ihr Sicherheitscode lautet {}",
]
NUMBERS = [
    ("Steuer-ID {} übermittelt", "65929970489"),
    ("Steuer-ID des Mitarbeiters ist {}", "65929970489"),
    ("steuerliche Identifikationsnummer: {} geprüft", "65929970489"),
    ("Personalausweis Nr. {} erfasst", "T7K252ZVP8"),
    ("Reisepassnummer {} gültig", "CGL8G8G79"),
    ("Sozialversicherungsnummer {} gemeldet", "68010478X482"),
    ("burgerservicenummer: {} gecontroleerd", "433850875"),
    ("CNPJ {} ativo", "93.175.026/0001-51"),
    ("RUT {} registrado", "12.345.678-5"),
    ("TC kimlik no {} kaydedildi", "32673613966"),
    ("fødselsnummer {} lagret", "15074040575"),
    ("tax file number (TFN) {} lodged", "454 318 135"),
    ("PAN card {} income tax", "CZSPR6125U"),
]
BENIGN = [
    "Die Anmeldung mit Kennwort ist deaktiviert",
    "Das Passwort von bob ist abgelaufen",
    "Passwort vergessen? Link wurde verschickt",
    "Das Passwort ist zu kurz",
    "Le mot de passe est trop court",
    "Le mot de passe de l'utilisateur est requis",
    "Le mot de passe a été modifié",
    "La contraseña es obligatoria.",
    "La contraseña de bob ha caducado",
    "A senha é muito fraca",
    "La password è scaduta",
    "Het wachtwoord van de gebruiker is gewijzigd",
    "Code de vérification invalide",
    "tokens per second: 192.5",
    "tokens pour la session: 3",
    "RRN 715102 STAN 004512",
]


@pytest.mark.parametrize("text", SAID)
def test_a_sentence_gives_the_secret_away(text: str) -> None:
    """What a sentence says a password is goes, and nothing else."""
    assert redactor.text(text.format(SECRET)) == text.format("[REDACTED]")


@pytest.mark.parametrize("text", CODES)
def test_a_code_goes(text: str) -> None:
    """One-time codes are numbers, and go."""
    assert redactor.text(text.format(482913)) == text.format("[REDACTED]")


@pytest.mark.parametrize(("text", "number"), NUMBERS)
def test_a_number_of_a_person_goes(text: str, number: str) -> None:
    """Numbers of people and firms go after their names, whatever country gave them."""
    assert redactor.text(text.format(number)) == text.format("[REDACTED]")


@pytest.mark.parametrize("text", BENIGN)
def test_a_sentence_about_a_secret_stays(text: str) -> None:
    """What is only said about passwords and codes stays."""
    assert redactor.text(text) == text
