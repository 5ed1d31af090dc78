// chalk
'use strict';
const chalk = require('chalk');
exports.handler = async () => [new chalk.Instance({ level: 1 }).red.bold('x'), new chalk.Instance({ level: 3 }).hex('#123456')('y'), new chalk.Instance({ level: 0 }).green('z')];
