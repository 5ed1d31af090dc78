// The guide's first Node.js function, with the callback of its day.
exports.handler = (event, context, callback) => {
  callback(null, { message: `Hello ${event.first_name} ${event.last_name}!` });
};
