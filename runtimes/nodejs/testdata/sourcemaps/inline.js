var __defProp = Object.defineProperty;
var __getOwnPropDesc = Object.getOwnPropertyDescriptor;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __hasOwnProp = Object.prototype.hasOwnProperty;
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: true });
};
var __copyProps = (to, from, except, desc) => {
  if (from && typeof from === "object" || typeof from === "function") {
    for (let key of __getOwnPropNames(from))
      if (!__hasOwnProp.call(to, key) && key !== except)
        __defProp(to, key, { get: () => from[key], enumerable: !(desc = __getOwnPropDesc(from, key)) || desc.enumerable });
  }
  return to;
};
var __toCommonJS = (mod) => __copyProps(__defProp({}, "__esModule", { value: true }), mod);
var app_exports = {};
__export(app_exports, {
  handler: () => handler
});
module.exports = __toCommonJS(app_exports);
const handler = async (event) => {
  return inner(event);
};
function inner(event) {
  throw new Error("from " + event.name);
}
//# sourceMappingURL=data:application/json;base64,ewogICJ2ZXJzaW9uIjogMywKICAic291cmNlcyI6IFsiLi4vYXBwLnRzIl0sCiAgInNvdXJjZXNDb250ZW50IjogWyJpbnRlcmZhY2UgRSB7IG5hbWU6IHN0cmluZyB9XG5cbmV4cG9ydCBjb25zdCBoYW5kbGVyID0gYXN5bmMgKGV2ZW50OiBFKSA9PiB7XG4gIHJldHVybiBpbm5lcihldmVudCk7XG59O1xuXG5mdW5jdGlvbiBpbm5lcihldmVudDogRSk6IG5ldmVyIHtcbiAgdGhyb3cgbmV3IEVycm9yKFwiZnJvbSBcIiArIGV2ZW50Lm5hbWUpO1xufVxuIl0sCiAgIm1hcHBpbmdzIjogIjs7Ozs7Ozs7Ozs7Ozs7Ozs7QUFBQTtBQUFBO0FBQUE7QUFBQTtBQUFBO0FBRU8sTUFBTSxVQUFVLE9BQU8sVUFBYTtBQUN6QyxTQUFPLE1BQU0sS0FBSztBQUNwQjtBQUVBLFNBQVMsTUFBTSxPQUFpQjtBQUM5QixRQUFNLElBQUksTUFBTSxVQUFVLE1BQU0sSUFBSTtBQUN0QzsiLAogICJuYW1lcyI6IFtdCn0K
