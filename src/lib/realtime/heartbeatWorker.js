// Keeps the heartbeat's time: a browser slows the timers of a hidden page, not those of a worker. A file of
// our own, because the client's default is a blob URL, which the page's security policy refuses.
addEventListener('message', ({ data }) => {
  if (data.event === 'start') setInterval(() => postMessage({ event: 'keepAlive' }), data.interval);
});
