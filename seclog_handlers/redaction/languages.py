"""How sentences in German, French, Spanish, Portuguese, Italian and Dutch name a secret, or say something about it."""

from __future__ import annotations

import re

# Names that hold a secret wherever they stand.
SECRETS = ("geheimnis", "secrète", "secrete")
PASSWORDS = ("mdp",)
# One-time codes and their like: numbers are secrets under these, too.
CODES = (
    "verificatiecode", "bevestigingscode", "inlogcode", "beveiligingscode", "bestätigungscode", "bestaetigungscode",
    "sicherheitscode", "verifizierungscode", "anmeldecode", "zugangscode", "aktivierungscode", "einmalcode",
    *(f"{code} {of} {what}" for code, of, whats in (
        ("code", "de", "vérification verification sécurité securite confirmation connexion validation"),
        ("código", "de", "verificación seguridad acceso confirmación verificação segurança acesso confirmação"),
        ("codigo", "de", "verificacion seguridad acceso confirmacion verificacao seguranca acesso confirmacao"),
        ("codice", "di", "verifica sicurezza accesso conferma"),
    ) for what in whats.split()),
)  # fmt: skip
# What follows the first word of such a name.
AFTER_WORDS = frozenset(word for code in CODES for word in code.split()[1:])

# Words that say something about a secret where the secret itself would stand.
STATUS_WORDS = frozenset(
    """
    aktiv aktiviert deaktiviert inaktiv abgelaufen falsch richtig korrekt ungültig ungueltig gültig leer erforderlich
    notwendig nötig geändert gesetzt zurückgesetzt vergessen gesperrt entsperrt unbekannt gespeichert gelöscht erneuert
    kurz lang schwach stark identisch nicht nur noch schon bereits abgelehnt akzeptiert bestätigt zu sehr kein keine
    benötigt verschlüsselt fehlt wurde wird
    incorrecte invalide expiré expirée requis requise obligatoire vide modifié modifiée changé changée réinitialisé
    réinitialisée oublié oubliée trop court courte faible fort correcte valide erroné erronée désactivé désactivée
    activé activée enregistré vérifié bloqué manquant manquante très pas non stocké chiffré
    incorrecta incorrecto inválida inválido válida caducada caducado expirada expirado requerida obligatoria
    obligatorio vacía cambiada cambiado actualizada restablecida olvidada olvidó demasiado corta débil correcta
    desactivada activada guardada bloqueada muy no sí
    incorreta incorreto obrigatória obrigatório vazia alterada alterado redefinida esquecida esqueceu fraca curta
    correta desativada ativada atualizada muito não
    errata errato sbagliata sbagliato scaduta scaduto obbligatoria obbligatorio vuota cambiata modificata reimpostata
    dimenticata debole corta corretta disattivata attivata aggiornata molto troppo
    vergeten onjuist ongeldig verlopen vereist verplicht leeg gewijzigd gereset kort zwak sterk juist geldig
    uitgeschakeld
    ingeschakeld opgeslagen geweigerd te niet
    """.split()  # noqa: SIM905 - a wall of quotes hides the words
)

_OF = (
    r"(?:de l'|dell'|(?:für|fuer|von|vom|des|der|de|du|del|della|do|da|di|van|voor|pour|para|por|для|dla|för)[ \t]"
    r"(?:(?:den|die|das|dem|le|la|el|il|lo|het|o|a)[ \t]|l')?)"
    r"(?:(?:benutzers?|nutzers?|anwenders?|kontos?|utilisateur|compte|usuario|cuenta|usuário|conta|utente|gebruiker"
    r"|account|user)[ \t])?[^\s=:]{1,64}"
)
# `für bob lautet X`, `de marie est : X`, `es X`, `para reporting -> X`.
SAID = re.compile(
    r"(?:[ \t](?:tempor\w{2,6}|provis\w{3,6}|inicial|iniziale|initiale?|nueva|nuova|nova|neue))?"
    rf"[ \t]{{1,2}}(?:{_OF}[ \t]{{1,2}})?"
    r"(?:lautete?|wurde[ \t]auf"
    r"|(?:zurückgesetzt|geändert|gesetzt"
    r"|geaendert|aktualisiert)[ \t]auf|ist|war|est|était|es|era|é|è|is|->|→)[ \t]*:?[ \t]{1,4}"
    rf"|[ \t]{{1,2}}{_OF}[ \t]?[:=\u2013\u2014][ \t]{{1,4}}|[ \t]u[żz]ytkownika[ \t][^\s=:]{{1,64}}[ \t]to[ \t]",
    re.IGNORECASE,
)
# `parola d'ordine: X`, `jeton d'accès: X`
OF_IT = re.compile(r"[ ]d'(?:ordine|accesso|accès|acces|authentification)[ ]?[:=][ ]{1,2}")
# What follows a name in Japanese and Chinese where English has `is`: パスワードはX, 密码是X
PARTICLES = ("は", "是", "为", "為")
TOLD = re.compile(r"[は是为為][ ]?[\"'「]?(?P<value>[!-~]{4,128}?)(?=[\s\"'」。、，]|です|でした|$)")  # noqa: RUF001
# With what such a sentence goes on behind the name, in lower case.
VERBS = frozenset(
    """
    provisória provisoria provisório provisorio
    temporal temporaire temporanea temporária provisional provisoire inicial iniziale initial für fuer von vom des для
    dla för
    der de du del della do da di van voor pour para por lautet lautete ist war est était es era
    é è użytkownika uzytkownika zurückgesetzt geändert gesetzt geaendert aktualisiert
    """.split()  # noqa: SIM905 - a wall of quotes hides the words
)
# `password errata X`, `mot de passe incorrect X`.
WRONG = re.compile(
    r"[ \t](?:errat[ao]|sbagliat[ao]|incorrect[aoe]?|incorret[ao]|falsch|ungültig|invalide|inv[aá]lid[ao]|onjuist"
    r"|errad[ao])(?:[ \t](?:per|para|pour|für|fuer|voor|por|for|di|de)[ \t][^\s:]{1,64})?[:,]?[ \t](?=\S)",
    re.IGNORECASE,
)
# Who logs in, before the password's name: words beside `user`.
WHO = "benutzer(?:name)?|nutzer|utilisateur|usuario|usuário|utente|gebruiker|compte|cuenta|conta|konto|identifiant"
