"""Is a session cookie sent without `Vary: Cookie`?

A cache that is not told so keeps the answer, cookie and all, and gives it to the
next client. The test client of Werkzeug makes a permanent session, and then asks for
a page that does not touch it. No network takes part. It takes no input.
"""
import os
import sys

from flask import Flask, session
from werkzeug.test import Client


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


application = Flask("reproducer")
application.secret_key = "no secret"
application.config["SESSION_REFRESH_EACH_REQUEST"] = True


@application.route("/sign-in")
def sign_in():
    session.permanent = True
    session["flag"] = "set"
    return "in"


@application.route("/look")
def look():
    return session.get("flag", "")


@application.route("/plain")
def plain():
    return "plain"


def varies(response):
    return "cookie" in response.headers.get("Vary", "").lower()


client = Client(application, application.response_class)
client.get("/sign-in")
looked = client.get("/look")
if looked.get_data(as_text=True) != "set" or not varies(looked):
    sys.exit("a page that looks at the session does not work as it should")

response = client.get("/plain")
sends_cookie = "Set-Cookie" in response.headers
print("sends a cookie: %s, varies: %s" % (sends_cookie, varies(response)))
end(42 if sends_cookie and not varies(response) else 0)
