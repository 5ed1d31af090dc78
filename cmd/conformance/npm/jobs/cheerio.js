// cheerio
'use strict';
const cheerio = require('cheerio');
exports.handler = async () => {
  const $ = cheerio.load('<ul id="f"><li class="a">Apple<li class="b">Pear &amp; <b>Plum</b></ul><a href="/x?a=1&b=2">l</a>');
  $('li.a').addClass('first').text('Äpfel').after('<li>new</li>');
  return { html: $('#f').html(), items: $('li').map((i, e) => $(e).text()).get(), href: $('a').attr('href'), count: $('li:nth-child(odd)').length };
};
