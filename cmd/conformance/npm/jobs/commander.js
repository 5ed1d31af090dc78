// commander
'use strict';
const { Command } = require('commander');
exports.handler = async () => {
  const p = new Command('tool').exitOverride().configureOutput({ writeErr() {} });
  p.option('-n, --number <n>', 'a number', Number, 5).option('--flag').argument('<file...>', 'files').action(() => {});
  p.parse(['a', 'b', '-n', '7', '--flag'], { from: 'user' });
  let error;
  try { new Command('t').exitOverride().configureOutput({ writeErr() {} }).parse(['--nope'], { from: 'user' }); } catch (e) { error = [e.code, e.message]; }
  return { options: p.opts(), args: p.args, help: p.helpInformation(), error };
};
