"""Tokens that are known by their own look: a vendor's prefix and alphabet, as the vendors document them."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from seclog_handlers.redaction.values import switches

# Where each look comes from: the vendor's documentation of its token format, the published rules of its secret
# scanning programme (GitHub, GitLab and Slack publish theirs), or the published rules of scanners (gitleaks,
# Kingfisher). Entry: kind, what a token starts with, what follows.
_W = r"[A-Za-z0-9_-]"
_A = "[A-Za-z0-9]"
_X = "[0-9a-f]"
_H = "[0-9a-fA-F]"
# Looked ahead for: a digit, a capital and a small letter soon, as no name in code has them.
_MIXED = r"(?=[A-Za-z_-]{0,40}[0-9])(?=[^A-Z\s]{0,40}[A-Z])(?=[^a-z\s]{0,40}[a-z])"

_LOOKS: tuple[tuple[str, str, str], ...] = (
    # Clouds
    ("aws-key-id", "AKIA ASIA ABIA ACCA A3T", rf"[A-Z0-9]{{12,20}}(?!{_W})"),
    ("aws-session", "FwoGZXIvYXdz IQoJb3JpZ2lu", "[A-Za-z0-9+/%]{40,4096}={0,2}"),
    ("aws-mws", "amzn.mws.", f"{_X}{{8}}(?:-{_X}{{4}}){{3}}-{_X}{{12}}"),
    ("aws-bedrock", "ABSK", "[A-Za-z0-9+/]{100,300}={0,2}"),
    ("google-api-key", "AIza", rf"{_W}{{30,45}}"),
    ("google-oauth", "ya29.", r"[\w.-]{20,1024}"),
    ("google-oauth", "GOCSPX-", rf"{_W}{{20,40}}"),
    ("google-oauth", "4/0A", rf"{_W}{{40,120}}"),
    ("google-oauth", "1//0", rf"{_W}{{30,200}}"),
    ("alibaba-key-id", "LTAI", f"{_A}{{12,30}}(?!{_W})"),
    ("tencent-key-id", "AKID", f"{_A}{{13,40}}(?!{_W})"),
    ("yandex", "AQVN", rf"{_W}{{35,40}}"),
    ("yandex", "t1.", r"[A-Z0-9a-z_-]{20,300}\.[A-Za-z0-9_-]{80,90}={0,2}"),
    ("yandex", "YCAJE YCN YCP", rf"{_W}{{20,45}}"),
    ("digitalocean", "dop_v1_ doo_v1_ dor_v1_", f"{_X}{{40,70}}"),
    ("heroku", "HRKU-", rf"{_W}{{30,70}}"),
    ("fly", "fo1_", rf"{_W}{{40,50}}"),
    ("fly", "fm1_ fm1a_ fm1r_ fm2_", "[A-Za-z0-9+/=,_]{60,1024}"),
    ("cloudflare-origin", "v1.0-", f"{_X}{{24}}-{_X}{{100,160}}"),
    ("cloudflare", "cfut_ cfat_ cfk_", rf"{_W}{{30,60}}"),
    ("scaleway", "SCW", "[A-Z0-9]{17}(?![A-Za-z0-9])"),
    ("planetscale", "pscale_tkn_ pscale_pw_ pscale_oauth_", r"[\w=.-]{30,70}"),
    ("supabase", "sbp_ sb_secret_", rf"{_W}{{20,64}}"),
    ("neon", "napi_", rf"{_A}{{40,80}}"),
    ("netlify", "nfp_ nfc_ nfo_ nfb_ nfu_", rf"{_W}{{30,50}}"),
    ("dropbox", "sl.u. sl.", rf"{_MIXED}{_W}{{60,1400}}"),
    ("azure-refresh", "0.A 1.A", rf"{_W}{{20,120}}\.[\w-]{{60,2000}}"),
    ("vercel", "vcp_ vci_ vca_ vcr_ vck_", rf"{_MIXED}{_W}{{20,60}}"),
    ("render", "rnd_", f"{_A}{{20,40}}"),
    ("tailscale", "tskey-", rf"[a-z]{{2,10}}-{_W}{{10,80}}"),
    # Code hosts and build systems
    ("github", "ghp_ gho_ ghu_ ghs_ ghr_", "[A-Za-z0-9_]{30,255}"),
    ("github", "github_pat_", "[A-Za-z0-9_]{30,255}"),
    ("gitlab", "glpat- gldt- glrt- glrtr- glft- glsoat- glcbt- glptt- gloas- glimt- glagent- glffct- glwt-",
     r"[A-Za-z0-9_.-]{18,300}"),
    ("gitlab", "GR1348941", rf"{_W}{{18,30}}"),
    ("gitlab", "_gitlab_session=", rf"{_X}{{32}}"),
    ("bitbucket", "ATBB ATCTT3x", r"[A-Za-z0-9_=-]{20,400}"),
    ("bitbucket", "BBDC-", r"[A-Za-z0-9+/=]{32,80}"),
    ("trello", "ATTA", f"{_X}{{60,80}}"),
    ("atlassian", "ATAT ATSTT3 ATOA", r"[A-Za-z0-9_=-]{40,400}"),
    ("npm", "npm_", f"{_A}{{30,50}}"),
    ("pypi", "pypi-AgE", rf"{_W}{{40,1024}}"),
    ("rubygems", "rubygems_", f"{_X}{{40,60}}"),
    ("clojars", "CLOJARS_", f"{_A}{{50,70}}"),
    ("crates", "cio", f"[A-Za-z0-9]{{32}}(?!{_W})"),
    ("nuget", "oy2", f"[a-z0-9]{{43}}(?!{_W})"),
    ("docker", "dckr_pat_ dckr_oat_", rf"{_W}{{20,60}}"),
    ("artifactory", "AKCp", f"{_A}{{36,80}}"),
    ("packagist", "packagist_", f"[a-z]{{3}}_{_X}{{60,90}}"),
    ("iterative", "isat_", f"{_W}{{30,70}}"),
    ("artifactory", "cmVmdGtu", f"{_A}{{40,70}}"),
    ("artifactory", "cmVmd", f"{_MIXED}{_A}{{59}}(?!{_W})"),
    ("circleci", "CCIPAT_ CCIPRJ_", rf"{_A}{{15,30}}_[0-9a-z]{{30,50}}"),
    ("buildkite", "bkua_ bkct_ bkaj_ bkaa_ bkar_ bkpt_ bkpat_", f"{_W}{{30,400}}"),
    ("travis-sonar", "sqp_ squ_ sqa_", f"{_X}{{40}}"),
    ("pulumi", "pul-", f"{_X}{{40}}"),
    ("deno", "ddp_ ddo_", f"{_A}{{36}}"),
    ("packagist", "packagist_ort_ packagist_out_ packagist_acs_ packagist_ack_", f"{_X}{{28,96}}"),
    ("octopus-deploy", "API-", f"(?=[A-Z]{{0,25}}[0-9])[A-Z0-9]{{25,28}}(?!{_W})"),
    ("mergify", "mergify_application_key_", f"{_W}{{40,200}}"),
    ("docker-swarm", "SWMTKN-1-", "[a-z0-9]{49,60}-[a-z0-9]{24,30}"),
    ("docker-swarm", "SWMKEY-1-", "[A-Za-z0-9+/]{40,50}"),
    ("cloudsmith", "csa_", f"{_X}{{30}}{_A}{{6}}"),
    ("ionic", "ion_", f"{_A}{{42}}"),
    ("devin", "apk_user_ apk_", "[A-Za-z0-9+/]{80,180}={0,2}"),
    ("devin", "cog_", f"[a-z2-7]{{52}}(?!{_W})"),
    ("cursor", "key_", f"{_X}{{28,64}}(?!{_W})"),
    ("val-town", "vtwn_", f"{_W}{{20,80}}"),
    ("unkey", "unkey_", f"(?=[A-Za-z]{{0,31}}[0-9]){_A}{{18,32}}(?!{_W})"),
    ("vault", "hvs. hvb. hvr.", rf"{_W}{{20,300}}"),
    ("vault", "s.", f"(?=[A-Za-z]*[0-9])(?=[0-9A-Z]*[a-z]){_A}{{24}}(?![A-Za-z0-9_-]|\\.\\w)"),
    ("doppler", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit. dp.said.", r"[A-Za-z0-9_.-]{30,80}"),
    ("infisical", "st.", rf"{_X}{{24}}\.{_X}{{32}}\.{_X}{{32}}"),
    ("1password", "1PRK-", "[A-Z0-9]{4}(?:-[A-Z0-9]{4}){7,14}"),
    ("1password", "ops_eyJ", r"[A-Za-z0-9+/_-]{100,1024}={0,2}"),
    ("1password", "A3-", r"[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}"),
    ("adobe", "p8e-", r"[A-Za-z0-9]{32}(?![A-Za-z0-9])"),
    ("clickhouse", "4b1d", r"[A-Za-z0-9]{38}(?![A-Za-z0-9])"),
    ("authress", "sc_ ext_ scauth_", r"[A-Za-z0-9]{5,30}\.\w{4,6}\.acc[_-][a-z0-9-]{10,32}\.[\w+/=-]{30,120}"),
    ("age", "AGE-SECRET-KEY-PQ-1", "[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{40,200}"),
    ("age", "AGE-SECRET-KEY-1", "[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{40,70}"),
    ("sourcegraph", "sgp_ slk_", r"[A-Za-z0-9_]{40,90}"),
    ("openshift", "sha256~", rf"{_W}{{43}}"),
    ("harness", "pat. sat.", r"[A-Za-z0-9_-]{22}\.[0-9A-Za-z]{24}\.[A-Za-z0-9]{20}"),
    ("telnyx", "KEY", "[0-9A-F]{32}_[A-Za-z0-9]{22}"),
    ("trello", "ATTA", "[0-9a-f]{64}[0-9A-F]{8}"),
    ("exoscale", "EXO", f"{_MIXED}{_A}{{24,30}}(?!{_W})"),
    ("cockroach", "CCDB1_", f"{_A}{{22}}_{_A}{{40}}"),
    ("astra", "AstraCS:", "[A-Za-z0-9:]{20,200}"),
    ("mongodb-atlas", "mdb_sa_sk_", f"{_W}{{40}}"),
    ("elastic-cloud", "essu_", r"[A-Za-z0-9_-]{60,200}={0,2}"),
    ("upcloud", "ucat_", f"{_A}{{24,32}}"),
    ("configcat", "configcat-sdk-1/ configcat-proxy/", f"{_W}{{22}}/{_W}{{22}}"),
    ("devcycle", "dvc_client_ dvc_mobile_ dvc_server_", f"{_A}{{8,64}}"),
    ("alibaba-sts", "STS.", f"{_MIXED}{_A}{{16,64}}(?!{_W})"),
    ("google-gemini", "AQ.Ab8R", f"{_W}{{40,60}}"),
    ("fly", "FlyV1 ", "[A-Za-z0-9=_,/+-]{40,1024}"),
    ("aikido", "AIK_CI_ AIK_CLIENT_ AIK_SECRET_", f"{_A}{{20,80}}"),
    ("adafruit", "aio_", f"(?=[A-Za-z]{{0,27}}[0-9]){_A}{{28}}(?!{_W})"),
    ("apify", "apify_api_", f"{_A}{{30,40}}"),
    ("zuplo", "zpka_", rf"{_A}{{32}}_{_X}{{8}}"),
    ("rootly", "rootly_", f"{_X}{{64}}"),
    ("samsara", "samsara_api_", f"{_A}{{26,32}}(?!{_W})"),
    # Messaging
    ("slack", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xoxo- xoxc- xoxd- xoxe.xox xapp-", r"[A-Za-z0-9%./+-]{10,512}"),
    ("slack-webhook", "hooks.slack.com/services/ hooks.slack.com/workflows/ hooks.slack.com/triggers/",
     "[A-Za-z0-9+/]{20,100}"),
    ("zapier-webhook", "hooks.zapier.com/hooks/catch/", r"\d{4,12}/[A-Za-z0-9_-]{5,40}"),
    ("discord-webhook", "discord.com/api/webhooks/ discordapp.com/api/webhooks/", r"\d{15,22}/[\w-]{30,100}"),
    ("slack", "xoxe.xoxb- xoxe.xoxp-", r"[A-Za-z0-9-]{20,300}"),
    ("teams-webhook", "webhook.office.com/webhookb2/ outlook.office.com/webhook/ outlook.office365.com/webhook/",
     r"[\w@./-]{40,300}"),
    ("twilio", "SK", f"{_H}{{32}}(?!{_W})"),
    ("sendgrid", "SG.", r"[\w=-]{16,40}\.[\w.=-]{20,60}"),
    ("mailgun", "key- pubkey-", f"{_X}{{32}}(?!{_W})"),
    ("sendinblue", "xkeysib- xsmtpsib-", rf"{_H}{{64}}-{_A}{{16}}"),
    ("mandrill", "md-", rf"{_W}{{22}}(?!{_W})"),
    ("mailersend", "mlsn.", f"{_A}{{30,100}}"),
    ("nylas", "nyk_ nyk_v0_", f"{_A}{{60,70}}"),
    ("onesignal", "os_v2_org_ os_v2_app_", "[a-z2-7]{100,110}"),
    ("resend", "re_", rf"{_MIXED}{_A}{{8}}_{_A}{{20,30}}(?!{_W})"),
    ("mattermost-facebook", "EAA", rf"{_A}{{80,300}}"),
    ("facebook", "EAAC EAAB EAAG EAAM EAAH EAAD EAAJ", f"{_A}{{24,300}}"),
    ("twitter-bearer", "AAAAAAAAAAAAAAAAAAAAA", "[A-Za-z0-9%]{30,300}"),
    ("pinterest", "pina_ pinr_", f"{_MIXED}{_W}{{32,200}}"),
    ("line", "LINE_", f"{_A}{{100}}"),
    # Payments and shops
    ("stripe", "sk_live_ sk_test_ rk_live_ rk_test_ sk_prod_ rk_prod_", f"{_A}{{10,255}}"),
    ("stripe", "pi_ seti_", f"{_A}{{20,30}}_secret_{_A}{{20,40}}"),
    ("stripe-webhook", "whsec_", r"[A-Za-z0-9+/]{24,80}={0,2}"),
    ("square", "sq0atp- sq0csp- sq0idp-", rf"{_W}{{20,60}}"),
    ("square", "EAAA", rf"{_W}{{22,300}}"),
    ("shopify", "shpat_ shpss_ shpca_ shppa_ shptka_", f"{_H}{{30,40}}"),
    ("paypal", "A21AA", f"{_MIXED}{_W}{{60,300}}"),
    ("paypal-braintree", "sandbox_ production_", "[a-z0-9]{8}_[a-z0-9]{16}(?![A-Za-z0-9])"),
    ("paypal-braintree", "access_token$production$ access_token$sandbox$", rf"[0-9a-z]{{16}}\${_X}{{32}}"),
    ("razorpay", "rzp_live_ rzp_test_", f"{_A}{{14,24}}"),
    ("flutterwave", "FLWSECK_TEST- FLWSECK- FLWPUBK_TEST- FLWPUBK-", "[A-Za-z0-9-]{12,60}"),
    ("gocardless", "live_ sandbox_", rf"(?=[A-Za-z_-]{{0,40}}[0-9]){_W}{{36,48}}(?!{_W})"),
    ("lob", "live_pub_ test_pub_", f"{_X}{{31}}"),
    ("lob", "live_ test_", f"{_X}{{35}}(?!{_W})"),
    ("plaid", "access-sandbox- access-development- access-production- public-sandbox- public-production-",
     "[0-9a-f-]{36}"),
    ("duffel", "duffel_test_ duffel_live_", r"[\w=-]{40,50}"),
    ("easypost", "EZAK EZTK", f"{_A}{{54}}"),
    ("shippo", "shippo_live_ shippo_test_", f"{_H}{{40}}"),
    ("adyen", "AQE", r"[a-z]hm[A-Za-z0-9+/=_-]{60,300}"),
    ("asaas", "$aact_prod_ $aact_hmlg_", f"{_W}{{20,300}}"),
    ("mercury", "mercury_production_ mercury_sandbox_", rf"[a-z]{{2,8}}_{_A}{{40,50}}"),
    ("paddle", "pdl_live_apikey_ pdl_sdbx_apikey_", rf"{_A}{{20,30}}_{_A}{{20,30}}_{_A}{{3}}"),
    ("paddle", "pdl_ntfset_", rf"{_A}{{20,30}}_{_A}{{20,40}}"),
    ("persona", "persona_production_ persona_sandbox_", f"{_W}{{20,80}}"),
    ("polar", "polar_at_ polar_oat_ polar_pat_ polar_rt_ polar_cs_ polar_whs_", f"{_W}{{20,100}}"),
    ("ramp", "ramp_sec_ ramp_id_", f"{_A}{{36,60}}"),
    ("xendit", "xnd_production_ xnd_development_", f"{_A}{{40,80}}"),
    ("woocommerce", "ck_ cs_", f"{_X}{{40}}(?!{_W})"),
    ("canva", "cnvca", f"{_MIXED}{_W}{{51}}(?!{_W})"),
    ("proof", "prf_cli_ prf_", f"{_MIXED}{_W}{{20,80}}"),
    ("redirect-pizza", "rpa_", f"{_MIXED}{_A}{{30,46}}(?!{_W})"),
    ("runpod", "rpa_", f"[A-Z0-9]{{40}}{_A}{{6}}"),
    # AI
    ("anthropic", "sk-ant-", rf"{_W}{{20,200}}"),
    ("openai", "sk-proj- sk-svcacct- sk-admin- sk-None- sk-or-v1- sk-lf- pk-lf-", rf"{_W}{{20,300}}"),
    ("openai", "sk-", rf"(?=[A-Za-z_-]{{0,60}}[0-9]){_W}{{20,200}}"),
    ("huggingface", "hf_ api_org_", f"{_A}{{30,40}}"),
    ("groq", "gsk_", f"{_A}{{40,64}}"),
    ("replicate", "r8_", f"{_A}{{30,45}}"),
    ("xai", "xai-", f"{_W}{{60,120}}"),
    ("bedrock", "bedrock-api-key-", "[A-Za-z0-9+/=_-]{20,1024}"),
    ("cartesia", "sk_car_", f"{_W}{{20,40}}"),
    ("cerebras", "csk-", "(?=[a-z]{0,47}[0-9])[a-z0-9]{48}"),
    ("brave", "BSA", f"{_MIXED}{_W}{{24,40}}(?!{_W})"),
    ("llama-cloud", "llx-", f"{_A}{{44,52}}"),
    ("pinecone", "pcsk_", rf"{_A}{{5,7}}_{_A}{{50,70}}"),
    ("together", "tgp_v1_", f"{_W}{{40,50}}"),
    ("weights-biases", "wandb_v1_", "[A-Za-z0-9_]{60,90}"),
    ("firecrawl", "fc-", f"{_X}{{32}}(?!{_W})"),
    ("elevenlabs", "sk_", f"{_X}{{48}}(?!{_W})"),
    ("perplexity", "pplx-", f"{_A}{{40,60}}"),
    ("fireworks", "fw_", f"(?=[A-Za-z]*[0-9]){_A}{{22,30}}(?!{_W})"),
    ("cohere-voyage", "pa-", rf"(?=[A-Za-z_-]*[0-9]){_W}{{43}}(?!{_W})"),
    ("langsmith", "lsv2_pt_ lsv2_sk_", f"{_H}{{32}}_{_H}{{10}}"),
    ("tavily", "tvly-", rf"{_W}{{20,50}}"),
    ("nvidia", "nvapi-", rf"{_W}{{50,80}}"),
    ("databricks", "dapi dkea", f"{_X}{{32}}(?:-[0-9])?(?!{_A})"),
    # Observability
    ("datadog", "ddapp_ ddapi_", f"{_A}{{20,60}}"),
    ("newrelic", "NRAK- NRJS- NRII- NRAA- NRIQ- NRRA-", rf"{_W}{{16,60}}"),
    ("newrelic", "eu01xx", f"{_X}{{30}}NRAL"),
    ("sentry", "sntrys_ sntryu_ sntrya_ sntryi_", r"[\w+/=-]{40,400}"),
    ("grafana", "glsa_ glc_", r"[A-Za-z0-9+/_]{30,400}={0,2}"),
    ("grafana", "eyJrIjoi", r"[A-Za-z0-9+/]{40,400}={0,2}"),
    ("dynatrace", "dt0c01. dt0s01. dt0s02. dt0s08. dt0s16.", r"[A-Za-z0-9]{8,24}\.[A-Za-z0-9]{64}"),
    ("honeycomb", "hcaik_ hcxik_ hcxmk_", "[a-z0-9]{50,64}"),
    ("posthog", "phx_ phc_ phs_", f"{_MIXED}{_W}{{40,50}}(?!{_W})"),
    ("wakatime", "waka_", r"(?=[a-z_-]{0,64}[0-9])[a-z0-9-]{36,64}"),
    ("thunderstore", "tss_", f"{_MIXED}{_W}{{20,80}}"),
    ("lichess", "lip_", "(?=[A-Za-z_]{0,60}[0-9])[A-Za-z0-9_]{16,60}"),
    ("statuspage-pagerduty", "u+", rf"{_W}{{18}}(?!{_W})"),
    # Work tools
    ("linear", "lin_api_ lin_oauth_", f"{_A}{{30,70}}"),
    ("notion", "ntn_", f"{_A}{{40,60}}"),
    ("notion", "secret_", f"{_A}{{43}}(?!{_A})"),
    ("figma", "figd_ figo_ figu_ figor_", rf"{_W}{{30,60}}"),
    ("airtable", "pat", rf"{_A}{{14}}\.{_X}{{64}}"),
    ("postman", "PMAK-", f"{_H}{{24}}-{_H}{{34}}"),
    ("postman", "PMAT-", f"{_A}{{26}}"),
    ("miro", "eyJtaXJv", r"[A-Za-z0-9-]{10,64}_[\w-]{20,64}"),
    ("typeform", "tfp_", r"[\w.=-]{40,70}"),
    ("contentful", "CFPAT-", rf"{_W}{{40,60}}"),
    ("hubspot", "pat-na1- pat-eu1- pat-na2-", f"{_H}{{8}}-{_H}{{4}}-{_H}{{4}}-{_H}{{4}}-{_H}{{12}}"),
    ("readme", "rdme_", "[a-z0-9]{60,80}"),
    ("frameio", "fio-u-", r"[\w=-]{60,70}"),
    ("prefect", "pnu_ pnb_", f"{_A}{{30,40}}"),
    ("infracost", "ico-", f"{_A}{{32}}"),
    ("launchdarkly", "api- sdk- mob-", f"{_X}{{8}}-{_X}{{4}}-{_X}{{4}}-{_X}{{4}}-{_X}{{12}}"),
    ("settlemint", "sm_aat_ sm_pat_ sm_sat_", f"{_A}{{16}}"),
    ("intra42", "s-s4t2ud- s-s4t2af-", f"{_X}{{64}}"),
    ("databento", "db-", f"(?=[A-Za-z]*[0-9]){_A}{{29}}(?!{_W})"),
    ("lark", "cli_", f"{_MIXED}{_A}{{16}}(?!{_W})"),
    ("scalingo", "tk-us-", rf"{_W}{{48}}"),
    ("defined-networking", "dnkey-", r"[a-z0-9=_-]{26}-[a-z0-9=_-]{52}"),
    ("onfido", "api_live. api_sandbox. api_live_us. api_live_ca. api_live_eu.", r"[\w.-]{20,80}"),
    ("salesforce", "00D", r"[A-Za-z0-9]{12}![\w.]{80,300}"),
    ("okta", "00", rf"(?={_W}{{0,38}}[A-Z])(?={_W}{{0,38}}[a-z])(?={_W}{{0,38}}[g-zG-Z]){_W}{{40}}(?!{_W})"),
    ("mapbox", "sk.eyJ pk.eyJ tk.eyJ", r"[\w-]{20,300}\.[\w-]{15,100}"),
    ("jwt", "eyJ", r"[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*){0,3}"),
    ("fcm", "APA91b", rf"{_W}{{60,300}}"),
    # Hashes of passwords: an offline attack away from the password
    ("password-hash", "$2a$ $2b$ $2y$", r"\d\d\$[./A-Za-z0-9]{53}"),
    ("password-hash", "$1$ $5$ $6$ $y$ $7$ $8$ $9$ $apr1$", r"[^\s:$,]{1,64}\$[^\s:,]{16,200}"),
    ("password-hash", "$argon2id$ $argon2i$ $argon2d$ $scrypt$ $pbkdf2", r"[^\s\"':]{20,400}"),
    ("password-hash", "pbkdf2_sha256$ pbkdf2_sha1$ bcrypt_sha256$ scrypt$ argon2$argon2id$", r"[^\s\"':]{20,400}"),
    ("password-hash", "pbkdf2:sha256: scrypt:32768: pbkdf2:sha512:", r"[^\s\"']{20,400}"),
    ("password-hash", "{SSHA} {SHA} {SSHA512} {SMD5}", r"[A-Za-z0-9+/]{20,200}={0,2}"),
    ("kerberos-hash", "$krb5asrep$ $krb5tgs$ $krb5pa$", r"[^\s\"'<>]{40,4096}"),
    ("password-hash", "$md5 $gy$ $sha1$ $pbkdf2-sha256$ $pbkdf2-sha512$", r"[^\s\"':]{20,400}"),
    # Smaller vendors, as Kingfisher's published rules have them
    ("arcjet", "ajkey_", "[a-z0-9]{26}"),
    ("beamer", "b_", f"{_MIXED}{_A}{{44}}(?!{_W})"),
    ("builder-io", "bpk-", f"{_X}{{32}}"),
    ("checkout-com", "sk_ sk_sbox_ sk_test_", f"{_X}{{8}}(?:-{_X}{{4}}){{3}}-{_X}{{12}}"),
    ("coderabbit", "cr-", f"{_X}{{50,64}}"),
    ("crossmint", "ck_staging_ ck_production_ sk_staging_ sk_production_", f"{_A}{{26,200}}"),
    ("dub", "dub_", f"{_MIXED}{_A}{{24}}(?!{_W})"),
    ("gc-notify", "gcntfy-", r"[\w-]{60,140}"),
    ("localstack", "LSIA LKIA", "[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("mercado-pago", "APP_USR-", r"[0-9a-f-]{50,100}"),
    ("riot", "RGAPI-", r"[0-9a-z]{8}(?:-[0-9a-z]{4}){3}-[0-9a-z]{12}"),
    ("salesforce-consumer", "3MVG9", r"[\w.]{70,110}"),
    ("scale", "live_ test_", f"{_X}{{32}}(?!{_W})"),
    ("shortcut", "sct_", r"[a-z]{1,4}_[\w-]{60,400}"),
    ("sqreen", "org_", f"{_X}{{60}}(?:{_X}{{4}})?(?!{_W})"),
    ("stytch", "secret-test- secret-live-", r"[A-Za-z0-9_=-]{30,60}"),
    ("statsig", "secret- client- console-", f"{_MIXED}{_A}{{40,60}}(?!{_W})"),
    ("fleetbase", "flb_live_ flb_test_", f"{_A}{{16,40}}"),
    ("pubnub", "pub-c- sub-c- sec-c-", r"[0-9A-Za-z]{8}(?:-[0-9A-Za-z]{4}){3}-[0-9A-Za-z]{12}|[A-Za-z0-9+/=]{40,80}"),
    ("runway", "key_", f"{_X}{{128}}(?!{_W})"),
    ("zoho", "1000.", rf"{_X}{{32}}\.{_X}{{30,34}}(?!{_W})"),
    ("voyage", "al-", f"(?=[A-Za-z_-]*[0-9]){_W}{{43}}(?!{_W})"),
    # Bitcoin and Ethereum keys in their own export forms
    ("wallet-key", "xprv zprv yprv", f"{_A}{{100,112}}"),
)  # fmt: skip


class Look(NamedTuple):
    """One way a token may look: its kind, the literal it starts with, and the pattern of what follows it."""

    kind: str
    start: str
    rest: str


def _looks() -> dict[str, list[Look]]:
    table: dict[str, list[Look]] = {}
    for kind, starts, rest in _LOOKS:
        for start in starts.split():
            table.setdefault(start.lower(), []).append(Look(kind, start, rest))
    return table


LOOKS = _looks()


@functools.cache
def _compiled(rest: str) -> re.Pattern[str]:
    """Compile a look on its first sight: most are never needed, and all together take long at start."""
    return re.compile(rest)


def token_at(text: str, start: int, literal: str) -> tuple[int, str] | None:
    """Return (end, kind) of the token that starts at `start` with the lower-case `literal`, or None."""
    for look in LOOKS[literal]:
        if text.startswith(look.start, start):
            match = _compiled(look.rest).match(text, start + len(literal))
            if match is not None and not _DUMMY.search(text, start + len(literal), match.end()):
                return match.end(), look.kind
    return None


# What documentation shows in a token's place: glpat-xxxxxxxxxxxxxxxxxxxx, xoxb-your-bot-token
_DUMMY = re.compile(r"[xX*.]{12}|\byour-|-your-|_your_")


# Tokens without a prefix of their own, whose shape is rare enough: kind, the length of the shortest, a part that each
# holds, its look.
_SHAPED: tuple[tuple[str, int, str, re.Pattern[str]], ...] = (
    ("telegram", 42, ":AA", re.compile(
        r"(?:(?<=bot)|(?<![A-Za-z0-9]))\d{8,10}:AA[A-Za-z0-9_-]{31,34}(?![A-Za-z0-9_-])",
    )),
    ("discord", 58, ".", re.compile(
        r"(?<![A-Za-z0-9_.-])[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}"
        r"(?![A-Za-z0-9_-])",
    )),
    ("terraform", 82, ".atlasv1.", re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}")),
    ("azure-secret", 37, "Q~", re.compile(
        r"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}(?![A-Za-z0-9_~-])",
    )),
    ("azure-storage", 88, "==", re.compile(r"(?<![A-Za-z0-9+/-])[A-Za-z0-9+/]{86}==(?![A-Za-z0-9+/=])")),
    ("azure-devops", 84, "AZDO", re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}(?![A-Za-z0-9])")),
    ("newrelic", 40, "FFFFNRAL", re.compile(r"(?<![A-Za-z0-9])[0-9a-f]{32,36}FFFFNRAL")),
    ("password-hash", 65, ":::", re.compile(r"(?<=:)[0-9a-f]{32}:[0-9a-f]{32}(?=:::)")),
    ("twilio", 67, ":", re.compile(r"(?<=(?<![A-Za-z0-9])AC[0-9a-f]{32}:)[0-9a-f]{32}(?![A-Za-z0-9])")),
    ("fal", 69, ":", re.compile(
        r"(?<![\w-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9a-f]{32}(?![\w-])",
    )),
    ("deepl", 39, ":fx", re.compile(r"(?<![\w-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:fx(?![\w-])")),
    ("zhipu", 49, ".", re.compile(
        r"(?<![A-Za-z0-9.])[0-9a-f]{32}\.(?=[A-Za-z]{0,15}\d)[A-Za-z0-9]{16}(?![A-Za-z0-9.])",
    )),
    ("dropbox", 64, "AAAAAAAAA", re.compile(r"(?<![\w-])[A-Za-z0-9]{11}A{9,10}[\w-]{43,44}(?![\w-])")),
    ("truenas", 66, "-", re.compile(
        r"(?<![\w-])\d{1,3}-(?=[A-Za-z]{0,63}\d)(?=[^A-Z\s]{0,63}[A-Z])[A-Za-z0-9]{64}(?![\w-])",
    )),
    ("azure-registry", 52, "+ACR", re.compile(
        r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{42}\+ACR[A-Za-z0-9]{6}(?![A-Za-z0-9+/])",
    )),
    ("recovery-key", 55, "-", re.compile(r"(?<![\w-])(?:\d{6}-){7}\d{6}(?![\w-])")),  # BitLocker's
    ("mailgun", 50, "-", re.compile(r"(?<![A-Za-z0-9-])[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}(?![A-Za-z0-9-])")),
    ("mailchimp", 36, "-us", re.compile(r"(?<![A-Za-z0-9])[0-9a-f]{32}-us\d{1,2}(?![A-Za-z0-9])")),
    ("asana", 50, "/", re.compile(r"(?<![A-Za-z0-9/.])[012]/\d{16,20}(?:/\d{16,20})?:[0-9a-f]{32}(?![A-Za-z0-9])")),
    ("maxmind", 40, "_mmk", re.compile(r"(?<![A-Za-z0-9_])[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk(?![A-Za-z0-9])")),
    ("aws-secret", 40, "", re.compile(
        r"(?<![A-Za-z0-9+/_.-])(?=[A-Za-z+/]{0,39}\d)(?=[^A-Z]{0,39}[A-Z])"
        r"(?=[^a-z]{0,39}[a-z])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=_-])",
    )),
    ("facebook", 43, "|", re.compile(r"(?<![A-Za-z0-9])\d{15,16}\|[A-Za-z0-9_-]{27}(?![A-Za-z0-9_-])")),
    ("tableau", 57, "==:", re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{22}==:[A-Za-z0-9]{32}(?![A-Za-z0-9])")),
    # What vendors give keys as a rule: words, `_`, and more random characters than an id has.
    ("api-key", 36, "_", re.compile(
        rf"(?<![A-Za-z0-9_.-])[a-z][a-z0-9]{{1,11}}(?:_[a-z0-9]{{1,12}}){{0,3}}_{_MIXED}"
        r"[A-Za-z0-9]{32,100}(?![A-Za-z0-9_-])",
    )),
    ("fcm", 90, ":APA91b", re.compile(r"(?<![\w-])[\w-]{11,22}:APA91b[\w-]{60,300}")),
    ("wallet-key", 51, "", re.compile(r"(?<![A-Za-z0-9])[5KL][1-9A-HJ-NP-Za-km-z]{50,51}(?![A-Za-z0-9])")),
)  # fmt: skip


# Hashes of passwords whose alphabet breaks them into pieces too short for the gate: found by their sign `1$`.
_MD5_CRYPT = re.compile(r"\$(?:apr)?1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}(?![./A-Za-z0-9])")


def md5_crypts(text: str) -> list[tuple[int, int, str]]:
    """Return the hashes of passwords that crypt and Apache make with MD5."""
    return [(*match.span(), "password-hash") for match in _MD5_CRYPT.finditer(text)]


# The shortest of them.
MIN_SHAPED = 36


def shaped(text: str, start: int, stop: int) -> list[tuple[int, int, str]]:
    """Return the tokens of text[start:stop] that are known by their shape alone."""
    if stop - start < MIN_SHAPED:
        return []
    return [
        (match.start(), match.end(), kind)
        for kind, length, part, pattern in _SHAPED
        if stop - start >= length and text.find(part, start, stop) >= 0
        for match in pattern.finditer(text, start, stop)
        if not (kind == "aws-secret" and switches(match[0]) < LEAST_SWITCHES)
        and not (kind == "azure-storage" and _PUBLIC.search(text, max(0, match.start() - 32), match.start()))
    ]


# Forty random characters change about 25 times between capitals, small letters and digits; a name in CamelCase a dozen.
LEAST_SWITCHES = 15
_PUBLIC = re.compile(r"[Pp]ublic[_ -]?[Kk]eys?[\"']?(?:[:=]|[ ]=)[ ]?[\"']?(?:ssh-\w{3,8}[ ])?\Z")
