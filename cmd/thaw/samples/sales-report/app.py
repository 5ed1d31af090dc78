"""Loads a CSV file from its package into SQLite and answers a query on it."""

import csv
import sqlite3


def load():
    db = sqlite3.connect(":memory:")
    db.execute("create table sales (region text, product text, amount real)")
    with open("sales.csv", newline="") as f:
        db.executemany("insert into sales values (:region, :product, :amount)", csv.DictReader(f))
    return db


database = load()  # once per instance, kept while it is warm


def handler(event, context):
    query = "select region, round(sum(amount), 2) from sales where product = ? group by region order by 2 desc"
    return {region: total for region, total in database.execute(query, [event["product"]])}
