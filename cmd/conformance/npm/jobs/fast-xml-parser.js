// fast-xml-parser
'use strict';
const { XMLParser, XMLBuilder, XMLValidator } = require('fast-xml-parser');
exports.handler = async () => {
  const o = new XMLParser({ ignoreAttributes: false }).parse('<r a="1"><i>1</i><i>2</i><t><![CDATA[<x>]]></t></r>');
  return [o, new XMLBuilder({ ignoreAttributes: false, format: true }).build(o), XMLValidator.validate('<a><b></a>').err.code];
};
