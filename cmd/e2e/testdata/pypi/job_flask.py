# requires: flask werkzeug jinja2 markupsafe click blinker itsdangerous
"""A web application behind its test client."""

from flask import Flask, jsonify, render_template_string, request, session

app = Flask(__name__)
app.secret_key = "k"


@app.route("/hello/<int:n>", methods=["GET", "POST"])
def hello(n):
    session["seen"] = session.get("seen", 0) + 1
    return jsonify(n=n, form=request.form.get("f"), seen=session["seen"])


@app.route("/page")
def page():
    return render_template_string("<p>{{ x }}</p>", x="<ü>")


def handler(event, context):
    client = app.test_client()
    return [client.post("/hello/3", data={"f": "v"}).json, client.get("/hello/4").json, client.get("/page").get_data(as_text=True), client.get("/hello/x").status_code]
