"""Vendors whose keys have no look of their own: `deepgram_key = 948c19ec...` says by its name what it is."""

from __future__ import annotations

# The names that Kingfisher's and gitleaks' published rules look for before 32 hexadecimal digits or a UUID.
VENDORS = frozenset(
    """
    abstractapi abuseipdb adafruit adobe adzuna agora aiven ably alchemy algolia alegra amplitude anypoint apollo
    appcenter apptrail artifactory asana assemblyai atlassian auth0 automizy aylien beamer bitbucket bitly blockfrost
    bluecat box branchio browserstack buildkite bugsnag builder builderio calendly censys chatbot checkr clarifai
    clay clearbit clickhouse clockify close cloudant cloudflare cloudinary codacy codecov coinapi coinbase
    coinmarketcap confluent consul contentful convertkit coveralls cryptocompare currencylayer customerio cypress
    datadog deepgram deepl demio diffbot discord disqus dnsimple droneci dropbox dwolla easypost edamam etherscan
    eventbrite exchangerate fastly finage finnhub fixer flickr flagsmith foursquare freshdesk fullcontact fullstory
    gemstash geocodio ghost gitea giphy graphcms greptile guardian gumroad harvest hellosign helpscout here heroku
    honeybadger honeycomb hunter infobip infura instabot intercom ipapi ipdata ipgeolocation ipify ipinfo ipstack
    iterable jfrog jotform keen klaviyo kraken kucoin launchdarkly lastfm linode locationiq logdna loggly looker
    lokalise luno mailboxlayer mailchimp mailerlite mailgun mailjet mailmodo mandrill mapbox mapquest marketstack
    mashape mattermost meraki messagebird metaapi mixpanel monday moosend nasdaq netlify neutrino newsapi newrelic
    nexmo nytimes okta omdb onedesk onesignal opencage openweather openweathermap optimizely pagerduty papertrail
    parsehub pastebin paystack pendo pexels phrase pinata pipedream pipedrive pixabay plivo polygon positionstack
    postmark prodpad pubnub purestake pusher pushbullet pyowm qualaroo quandl rapidapi rapid7 raygun readme rebrandly
    rollbar salesflare sauce sauceanywhere scaleway scrapingbee securitytrails segment sendbird sendinblue sentry
    serpapi shodan shutterstock sidekiq signalwire smartsheet snyk sonarqube splunk splunkhec splunkcloud sportradar
    squarespace sqreen stackhawk statuspage stormglass storyblok strava streak stytch sumologic surveymonkey
    tatum telnyx tenor textmagic thingsboard ticketmaster timezoneapi todoist tomtom trello tradier travisci twelvedata
    twilio twitch twitter typeform unify uplead uploadcare unsplash upwave urlscan userstack vatlayer veriphone
    virustotal visualcrossing voyageai vpnapi vultr wakatime walkscore weatherapi weatherbit weatherstack webex wechat
    whoxy wistia wit wolfram wordsapi worldcoinindex yandex yelp youtube zendesk zenrows zenscrape zerobounce zerotier
    zipcodeapi zoom zonka
    """.split()  # noqa: SIM905 - a wall of quotes hides the words
) - {
    "box",
    "close",
    "here",
    "phrase",
    "branchio",
    "wit",
    "clay",
    "apollo",
    "consul",
    "guardian",
    "segment",
    "builder",
    "hunter",
    "harvest",
    "ghost",
    "monday",
    "unify",
    "streak",
    "polygon",
    "readme",
    "discord",
    "zoom",
    "sauce",
}
# With these words beside it, a name is of a vendor's key.
KEY_WORDS = frozenset(
    {"key", "api", "hec", "auth", "access", "pat", "env", "record", "read", "write", "rest", "account"}
)
