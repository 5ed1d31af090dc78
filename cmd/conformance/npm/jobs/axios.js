// axios
'use strict';
const axios = require('axios');
exports.handler = async () => {
  const api = axios.create({ baseURL: process.env.HTTP_URL, timeout: 5000, headers: { 'x-a': '1' } });
  const get = await api.get('/echo', { params: { q: 'ä b' } });
  const post = await api.post('/echo', { n: [1, 2] });
  const gz = await api.get('/gzip');
  const redirected = await api.get('/redirect');
  let error;
  try { await api.get('/status/404'); } catch (e) { error = [e.response.status, e.code, e.response.data]; }
  return [get.status, get.data.method, get.data.url, get.data.headers['x-a'], post.data.body, post.data.headers['content-type'], gz.data, redirected.data.url, error];
};
