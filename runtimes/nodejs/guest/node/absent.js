// Bindings of what a function can't have here: other processes, threads, UDP sockets. Node's own modules load on top of them
// and fail as they do on a system that refuses.
'use strict';

const { UV_ENOSYS, UV_EBADF } = require('thaw/uv');

class HandleWrap {
  close(callback) { if (typeof callback === 'function') process.nextTick(callback); }
  ref() {}
  unref() {}
  hasRef() { return false; }
  getAsyncId() { return 0; }
  getProviderType() { return 0; }
}

module.exports = {
  process_wrap: { Process: class Process extends HandleWrap { spawn() { return UV_ENOSYS; } kill() { return UV_ENOSYS; } } },
  pipe_wrap: {
    Pipe: class Pipe extends HandleWrap {
      constructor(type) { super(); this.type = type; }
      open() { return UV_ENOSYS; }
      bind() { return UV_ENOSYS; }
      listen() { return UV_ENOSYS; }
      connect() { return UV_ENOSYS; }
      readStart() { return UV_EBADF; }
      readStop() { return 0; }
      fchmod() { return UV_EBADF; }
    },
    PipeConnectWrap: class PipeConnectWrap {},
    constants: { SOCKET: 0, SERVER: 1, IPC: 2, UV_READABLE: 1, UV_WRITABLE: 2 },
  },
  spawn_sync: { spawn: () => ({ pid: 0, status: null, signal: null, output: null, error: UV_ENOSYS }) },
  signal_wrap: { Signal: class Signal extends HandleWrap { start() { return 0; } stop() { return 0; } } }, // no signal ever comes
  udp_wrap: {
    UDP: class UDP extends HandleWrap {
      bind() { return UV_ENOSYS; }
      bind6() { return UV_ENOSYS; }
      connect() { return UV_ENOSYS; }
      connect6() { return UV_ENOSYS; }
      open() { return UV_ENOSYS; }
      send() { return UV_ENOSYS; }
      send6() { return UV_ENOSYS; }
      recvStart() { return UV_EBADF; }
      recvStop() { return 0; }
      getSendQueueSize() { return 0; }
      getSendQueueCount() { return 0; }
      getsockname() { return UV_EBADF; }
    },
    SendWrap: class SendWrap {},
    constants: { UV_UDP_IPV6ONLY: 1, UV_UDP_REUSEADDR: 4 },
  },
  worker: {
    isMainThread: true, isInternalThread: false, ownsProcessState: true, threadId: 0, resourceLimits: new Float64Array(4), getEnvMessagePort() {},
    kMaxYoungGenerationSizeMb: 0, kMaxOldGenerationSizeMb: 1, kCodeRangeSizeMb: 2, kStackSizeMb: 3, kTotalResourceLimitCount: 4,
    Worker: class Worker {
      constructor() {
        const error = new Error('Worker initialization failure: this runtime has no threads');
        error.code = 'ERR_WORKER_INIT_FAILED';
        throw error;
      }
    },
  },
};
