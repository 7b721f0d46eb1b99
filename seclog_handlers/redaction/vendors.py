"""Vendors whose keys have no look of their own: `deepgram_key = 948c19ec...` says by its name what it is."""

from __future__ import annotations

# Services whose names scanners of secrets (Kingfisher, gitleaks, TruffleHog publish theirs) look for before a UUID or
# hexadecimal digits; but those that are everyday words.
VENDORS = frozenset(
    """
    abstractapi abuseipdb adafruit adobe adzuna agora aiven ably alchemy algolia alegra amplitude anypoint appcenter
    apptrail artifactory asana assemblyai atlassian auth0 automizy aylien beamer bitbucket bitly blockfrost bluecat
    browserstack buildkite bugsnag builderio calendly censys chatbot checkr clarifai clearbit clickhouse clockify
    cloudant cloudflare cloudinary codacy codecov coinapi coinbase coinmarketcap confluent contentful convertkit
    coveralls cryptocompare currencylayer customerio cypress datadog deepgram deepl demio diffbot disqus dnsimple
    droneci dropbox dwolla easypost edamam etherscan eventbrite exchangerate fastly finage finnhub fixer flickr
    flagsmith foursquare freshdesk fullcontact fullstory gemstash geocodio gitea giphy graphcms greptile gumroad
    hellosign helpscout heroku honeybadger honeycomb infobip infura instabot intercom ipapi ipdata ipgeolocation
    ipify ipinfo ipstack iterable jfrog jotform keen klaviyo kraken kucoin launchdarkly lastfm linode locationiq
    logdna loggly looker lokalise luno mailboxlayer mailchimp mailerlite mailgun mailjet mailmodo mandrill mapbox
    mapquest marketstack mashape mattermost meraki messagebird metaapi mixpanel moosend nasdaq netlify neutrino
    newsapi newrelic nexmo nytimes okta omdb onedesk onesignal opencage openweather openweathermap optimizely
    pagerduty papertrail parsehub pastebin paystack pendo pexels pinata pipedream pipedrive pixabay plivo
    positionstack postmark prodpad pubnub purestake pusher pushbullet pyowm qualaroo quandl rapidapi rapid7 raygun
    rebrandly rollbar salesflare sauceanywhere scaleway scrapingbee securitytrails sendbird sendinblue sentry
    serpapi shodan shutterstock sidekiq signalwire smartsheet snyk sonarqube splunk splunkhec splunkcloud sportradar
    squarespace sqreen stackhawk statuspage stormglass storyblok strava stytch sumologic surveymonkey tatum telnyx
    tenor textmagic thingsboard ticketmaster timezoneapi todoist tomtom trello tradier travisci twelvedata twilio
    twitch twitter typeform uplead uploadcare unsplash upwave urlscan userstack vatlayer veriphone virustotal
    visualcrossing voyageai vpnapi vultr wakatime walkscore weatherapi weatherbit weatherstack webex wechat whoxy
    wistia wolfram wordsapi worldcoinindex yandex yelp youtube zendesk zenrows zenscrape zerobounce zerotier
    zipcodeapi zonka geoapify newyorktimes packagecloud pdflayer pinecone salesloft uptimerobot hubspot nessus
    softlayer
    """.split()  # noqa: SIM905 - a wall of quotes hides the words
)
# With these words beside it, a name is of a vendor's key.
KEY_WORDS = frozenset({
    "key", "api", "hec", "auth", "access", "pat", "env", "record", "read", "write", "rest", "account", "private",
    "certificate", "app",
})  # fmt: skip
