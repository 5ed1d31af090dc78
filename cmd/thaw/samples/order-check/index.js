// Validates an order that a browser posts, against a schema beside the code.
const fs = require("fs");
const path = require("path");
const querystring = require("querystring");

const schema = JSON.parse(fs.readFileSync(path.join(__dirname, "schema.json"), "utf8")); // once per instance

function check(value, rule, at) {
  if (value === undefined) return rule.required ? [`${at} is missing`] : [];
  const problems = [];
  if (rule.pattern && !new RegExp(rule.pattern, "u").test(value)) problems.push(`${at} looks wrong`);
  if (rule.min !== undefined && !(Number(value) >= rule.min)) problems.push(`${at} is less than ${rule.min}`);
  return problems;
}

exports.handler = async (event) => {
  const body = event.isBase64Encoded ? Buffer.from(event.body, "base64").toString() : event.body;
  const form = querystring.parse(body);
  const problems = Object.entries(schema).flatMap(([name, rule]) => check(form[name], rule, name));
  return {
    statusCode: problems.length ? 422 : 200,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(problems.length ? { problems } : { accepted: form }),
  };
};
