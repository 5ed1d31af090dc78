// internalBinding: what is C++ in Node, over the functions of thaw.c (`host`). A value that is a function is called once, when
// the binding is first asked for.
'use strict';

const noop = () => {};
const unsupported = (what) => () => {
  const error = new Error(`${what} is not available in this runtime`);
  error.code = 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM';
  throw error;
};

module.exports = function makeBindings({ privateSymbols, perIsolateSymbols, perContext, process, requireBuiltin }) {
  // C functions are not enumerable; their copies are, as Node's bindings' are.
  const copy = (object) => Object.fromEntries(Object.getOwnPropertyNames(object).map((name) => [name, object[name]]));
  const types = copy(host.types), buffer = copy(host.buffer);
  // The order is that of Node's enum encoding.
  const encodings = ['ascii', 'utf8', 'base64', 'utf16le', 'latin1', 'hex', 'buffer', 'base64url'];
  const UTF8 = 1;
  const encodingNumber = (name) => {
    if (typeof name === 'number') return name;
    switch (`${name}`.toLowerCase()) {
      case 'ascii': return 0;
      case 'base64': return 2;
      case 'ucs2': case 'ucs-2': case 'utf16le': case 'utf-16le': return 3;
      case 'latin1': case 'binary': return 4;
      case 'hex': return 5;
      case 'base64url': return 7;
      default: return UTF8;
    }
  };

  const loop = requireBuiltin('thaw/loop');
  const uncaught = (error, fromPromise) => loop.uncaught(error, fromPromise);

  const bindings = {
    __proto__: null,
    async_wrap: () => {
      const constants = {
        kInit: 0, kBefore: 1, kAfter: 2, kDestroy: 3, kPromiseResolve: 4, kTotals: 5, kCheck: 6, kStackLength: 7,
        kUsesExecutionAsyncResource: 8, kExecutionAsyncId: 0, kTriggerAsyncId: 1, kAsyncIdCounter: 2, kDefaultTriggerAsyncId: 3,
      };
      const fields = new Uint32Array(9);
      const ids = new Float64Array(4);
      ids[constants.kAsyncIdCounter] = 1;
      ids[constants.kDefaultTriggerAsyncId] = -1;
      const resources = [];
      let stack = new Float64Array(32);
      const binding = {
        constants, async_hook_fields: fields, async_id_fields: ids, execution_async_resources: resources, async_ids_stack: stack,
        async_callback_trampoline: noop, setupHooks: noop, setCallbackTrampoline: noop, registerDestroyHook: noop,
        Providers: { __proto__: null },
        pushAsyncContext(asyncId, triggerAsyncId) {
          const length = fields[constants.kStackLength];
          if (length * 2 >= stack.length) {
            const more = new Float64Array(stack.length * 2);
            more.set(stack);
            binding.async_ids_stack = stack = more;
          }
          stack[length * 2] = ids[constants.kExecutionAsyncId];
          stack[length * 2 + 1] = ids[constants.kTriggerAsyncId];
          fields[constants.kStackLength]++;
          ids[constants.kExecutionAsyncId] = asyncId;
          ids[constants.kTriggerAsyncId] = triggerAsyncId;
        },
        popAsyncContext() {
          if (fields[constants.kStackLength] === 0) return false;
          const length = --fields[constants.kStackLength];
          ids[constants.kExecutionAsyncId] = stack[2 * length];
          ids[constants.kTriggerAsyncId] = stack[2 * length + 1];
          resources.length = Math.min(resources.length, length);
          return length > 0;
        },
        executionAsyncResource: (index) => resources[index],
        clearAsyncIdStack() {
          fields[constants.kStackLength] = 0;
          ids[constants.kExecutionAsyncId] = ids[constants.kTriggerAsyncId] = 0;
          resources.length = 0;
        },
        // The engine tells of reactions, not of promises: an object of its own stands for each reaction's promise.
        setPromiseHooks(init, before, after) {
          if (init === undefined && before === undefined) { host.setContextHooks(); return; }
          host.setContextHooks(() => { const stand = {}; init?.(stand, undefined); return stand; }, before ?? noop, after ?? noop);
        },
        getPromiseHooks: () => [undefined, undefined, undefined, undefined],
      };
      return binding;
    },

    blob: () => requireBuiltin('thaw/data').blob,

    buffer: () => ({
      ...buffer,
      kMaxLength: 0x7fffffff, kStringMaxLength: 0x3fffffff,
      fill: (target, value, start, end, encoding) => buffer.fill(target, value, start, end, encodingNumber(encoding)),
      createFromString: (string, encoding) => buffer.createFromString(string, encodingNumber(encoding)),
      getZeroFillToggle: () => [1],
      detachArrayBuffer: (b) => b.transfer(),
      copyArrayBuffer(to, toOffset, from, fromOffset, length) { new Uint8Array(to, toOffset, length).set(new Uint8Array(from, fromOffset, length)); },
      setBufferPrototype: noop,
      atob(input) { // results as Node's: -1 invalid character, -2 single character left, -3 other
        const stripped = input.replace(/[\t\n\f\r ]/g, '').replace(/^((?:[^=]{4})*[^=]{2,3})={1,2}$/, '$1');
        if (/[^A-Za-z0-9+/]/.test(stripped)) return -1;
        if (stripped.length % 4 === 1) return -2;
        return buffer.decodeBytes(buffer.createFromString(stripped, 2), 4);
      },
      btoa(input) {
        if (/[^\0-\xff]/.test(input)) return -1;
        return buffer.decodeBytes(buffer.createFromString(input, 4), 2);
      },
    }),

    builtins: { natives: {}, builtinIds: [], config: '{}', hasCachedBuiltins: () => true },
    config: {
      hasIntl: false, hasSmallICU: false, hasInspector: false, hasOpenSSL: true, hasCrypto: true, hasTracing: false, fipsMode: false,
      hasNodeOptions: true, noBrowserGlobals: false, isDebugBuild: false, bits: 64, hasDtrace: false,
    },
    constants: () => requireBuiltin('thaw/constants'),
    crypto: () => Object.assign(requireBuiltin('thaw/crypto'), requireBuiltin('thaw/tls').crypto),
    tls_wrap: () => requireBuiltin('thaw/tls').tls_wrap,
    js_stream: () => requireBuiltin('thaw/tls').js_stream,
    contextify: () => requireBuiltin('thaw/vm')({ privateSymbols, symbols: perIsolateSymbols }),
    credentials: {
      safeGetenv: (name) => process.env[name], implementsPosixCredentials: true, getTempDir: () => '/tmp',
      getuid: () => 993, geteuid: () => 993, getgid: () => 990, getegid: () => 990, getgroups: () => [990],
    },
    encoding_binding: {
      encodeInto(source, target) { bindings.encoding_binding.encodeIntoResults.set(buffer.encodeInto(source, target)); },
      encodeIntoResults: new Uint32Array(2),
      encodeUtf8String: (string) => buffer.createFromString(string, UTF8),
      decodeUTF8(bytes, ignoreBOM, fatal) {
        if (fatal && !buffer.isUtf8(bytes)) {
          const { ERR_ENCODING_INVALID_ENCODED_DATA } = requireBuiltin('internal/errors').codes;
          throw new ERR_ENCODING_INVALID_ENCODED_DATA('utf-8', undefined);
        }
        const text = buffer.decodeBytes(bytes, UTF8);
        return !ignoreBOM && text.charCodeAt(0) === 0xFEFF ? text.slice(1) : text;
      },
      toASCII: (domain) => requireBuiltin('punycode').toASCII(domain),
      toUnicode: (domain) => requireBuiltin('punycode').toUnicode(domain),
    },
    errors: {
      noSideEffectsToString: (value) => {
        try {
          return types.isNativeError(value) ? Error.prototype.toString.call(value) : typeof value === 'object' && value !== null ? Object.prototype.toString.call(value) : String(value);
        } catch {
          return '<unprintable>';
        }
      },
      triggerUncaughtException: uncaught,
      exitCodes: {
        kNoFailure: 0, kGenericUserError: 1, kInternalJSParseError: 3, kInternalJSEvaluationFailure: 4, kV8FatalError: 5,
        kInvalidFatalExceptionMonkeyPatching: 6, kExceptionInFatalExceptionHandler: 7, kUnsettledTopLevelAwait: 13, kAbort: 134,
      },
      setPrepareStackTraceCallback: noop, setGetSourceMapErrorSource: noop, setSourceMapsEnabled: noop,
      setMaybeCacheGeneratedSourceMap: noop, setEnhanceStackForFatalException: noop,
    },
    fs: () => requireBuiltin('thaw/fs'),
    fs_dir: () => requireBuiltin('thaw/fs').dir,
    fs_event_wrap: { FSEvent: class FSEvent {} },
    heap_utils: { buildEmbedderGraph: () => [], triggerHeapSnapshot: unsupported('v8.writeHeapSnapshot'), createHeapSnapshotStream: unsupported('v8.getHeapSnapshot') },
    http_parser: () => requireBuiltin('thaw/http_parser'),
    icu: { toASCII: (x) => x, toUnicode: (x) => x },
    inspector: { isEnabled: () => false, console: undefined },
    messaging: requireBuiltin('thaw/messaging')({ DOMException: perContext.DOMException, symbols: perIsolateSymbols, types, emitMessage: perContext.emitMessage }),
    mksnapshot: {
      setSerializeCallback: noop, setDeserializeCallback: noop, setDeserializeMainFunction: noop, isBuildingSnapshotBuffer: [0],
      runEmbedderPreload: noop, compileSerializeMain: noop, anonymousMainPath: '__node_anonymous_main',
    },
    module_wrap: { ModuleWrap: class ModuleWrap {}, kInstantiated: 2, kEvaluated: 4, kErrored: 5, kSourcePhase: 1, kEvaluationPhase: 2 },
    modules: { readPackageJSON: noop, getNearestParentPackageJSON: noop, getNearestParentPackageJSONType: () => 'none', getPackageScopeConfig: noop, enableCompileCache: noop },
    options: () => {
      const values = {
        '__proto__': null, '--pending-deprecation': false, '--no-deprecation': false, '--trace-deprecation': false, '--warnings': true,
        '--unhandled-rejections': '', '--stack-trace-limit': 10, '--diagnostic-dir': '', '--redirect-warnings': '', '--disable-warning': [],
        '--experimental-require-module': false, '--preserve-symlinks': false, '--preserve-symlinks-main': false, '--input-type': '',
        '--experimental-default-type': '', '--verify-base-objects': false, '--force-context-aware': false, '--network-family-autoselection': true,
        '--network-family-autoselection-attempt-timeout': 250, '--experimental-eventsource': false, '--experimental-websocket': false,
        '--experimental-global-navigator': false, '--max-http-header-size': 16384, '--insecure-http-parser': false, '--icu-data-dir': '',
        '--enable-source-maps': false, '--frozen-intrinsics': false, '--disable-proto': '', '--conditions': [], '--dns-result-order': '',
        '--experimental-permission': false, '--test': false, '--eval': undefined, '--print': false, '--require': [], '--import': [],
        '--experimental-vm-modules': false, '--trace-sigint': false, '--trace-uncaught': false, '--throw-deprecation': false, '--trace-warnings': false,
        '--tls-cipher-list': requireBuiltin('thaw/constants').crypto.defaultCoreCipherList, '--tls-min-v1.0': false, '--tls-min-v1.1': false,
        '--tls-min-v1.2': false, '--tls-min-v1.3': false, '--tls-max-v1.2': false, '--tls-max-v1.3': false, '--trace-tls': false, '--tls-keylog': '',
        '--secure-heap': 0, '--secure-heap-min': 2, '--force-fips': false, '--enable-fips': false, '--deprecation': true,
      };
      return {
        getCLIOptionsValues: () => values, getCLIOptionsInfo: () => ({ options: new Map(), aliases: new Map() }),
        getEmbedderOptions: () => ({ shouldNotRegisterESMLoader: true, noGlobalSearchPaths: false, noBrowserGlobals: false, hasEmbedderPreload: false }),
        envSettings: { kAllowedInEnvvar: 0, kDisallowedInEnvvar: 1 }, types: { kNoOp: 0, kBoolean: 2 },
        noGlobalSearchPaths: false, shouldNotRegisterESMLoader: true,
      };
    },
    os: () => {
      const memory = () => (Number(process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE) || 128) * 1048576;
      return {
        getAvailableParallelism: () => 2, getHostname: () => 'localhost', getOSInformation: () => ['Linux', '#1 SMP', '5.10.0', 'x86_64'],
        getHomeDirectory: () => process.env.HOME || '/home/sbx_user1051',
        getCPUs() {
          const cpu = ['Thaw virtual CPU', 2500, 0, 0, 0, 0, 0];
          return [...cpu, ...cpu];
        },
        getFreeMem: () => Math.max(0, memory() - host.memory()[0]), getTotalMem: memory, getLoadAvg: (a) => { a[0] = a[1] = a[2] = 0; },
        getUptime: () => host.monotonic() / 1000,
        getInterfaceAddresses: () => ['lo', '127.0.0.1', '255.0.0.0', 'IPv4', '00:00:00:00:00:00', true, -1],
        isBigEndian: false, getPriority: () => 0, setPriority: () => 0,
        getUserInfo: () => ({ uid: 993, gid: 990, username: 'sbx_user1051', homedir: '/home/sbx_user1051', shell: '/sbin/nologin' }),
      };
    },
    performance: () => {
      const now = () => host.monotonic() - host.timeOrigin();
      return {
        now, constants: {
          NODE_PERFORMANCE_ENTRY_TYPE_GC: 0, NODE_PERFORMANCE_ENTRY_TYPE_HTTP: 1, NODE_PERFORMANCE_ENTRY_TYPE_HTTP2: 2, NODE_PERFORMANCE_ENTRY_TYPE_NET: 3,
          NODE_PERFORMANCE_ENTRY_TYPE_DNS: 4, NODE_PERFORMANCE_MILESTONE_TIME_ORIGIN_TIMESTAMP: 0, NODE_PERFORMANCE_MILESTONE_TIME_ORIGIN: 1,
          NODE_PERFORMANCE_MILESTONE_ENVIRONMENT: 2, NODE_PERFORMANCE_MILESTONE_NODE_START: 3, NODE_PERFORMANCE_MILESTONE_V8_START: 4,
          NODE_PERFORMANCE_MILESTONE_LOOP_START: 5, NODE_PERFORMANCE_MILESTONE_LOOP_EXIT: 6, NODE_PERFORMANCE_MILESTONE_BOOTSTRAP_COMPLETE: 7,
        },
        milestones: new Float64Array(8), observerCounts: new Uint32Array(8), installGarbageCollectionTracking: noop, removeGarbageCollectionTracking: noop,
        notify: noop, loopIdleTime: () => 0, markBootstrapComplete: noop, setupObservers: noop, getTimeOrigin: () => 0,
        getTimeOriginTimestamp: () => Date.now() - now(), createELDHistogram: () => new (requireBuiltin('thaw/data').Histogram)(),
        get Histogram() { return requireBuiltin('thaw/data').Histogram; }, getLoopIdleTime: () => 0, uvMetricsInfo: () => [0, 0, 0], getMilestoneTimestamp: () => 0,
      };
    },
    permission: { has: () => true },
    process_methods: () => {
      const hrtimeBuffer = new Uint32Array(3);
      const big = new BigUint64Array(hrtimeBuffer.buffer, 0, 1);
      return {
        hrtimeBuffer,
        hrtime() {
          const ns = host.monotonicBigInt();
          const seconds = Number(ns / 1000000000n);
          hrtimeBuffer[0] = Math.floor(seconds / 0x100000000);
          hrtimeBuffer[1] = seconds >>> 0;
          hrtimeBuffer[2] = Number(ns % 1000000000n);
        },
        hrtimeBigInt() { big[0] = host.monotonicBigInt(); },
        cpuUsage(values) { values[0] = host.cpuTime() * 1000; values[1] = 0; },
        memoryUsage(values) {
          const [linear, used] = host.memory();
          values[0] = linear;
          values[1] = linear;
          values[2] = used;
          values[3] = values[4] = 0;
        },
        rss: () => host.memory()[0],
        resourceUsage(values) { values.fill(0); values[0] = host.cpuTime() * 1000; values[2] = host.memory()[0] / 1024; },
        uptime: () => (host.monotonic() - host.timeOrigin()) / 1000,
        constrainedMemory: () => internalBinding('os').getTotalMem(), availableMemory: () => 0,
        reallyExit: (code) => host.exit(code),
        _kill: (pid, signal) => (pid === 1 || pid === 0 ? (signal === 0 ? 0 : host.exit(128 + signal)) : -3),
        _rawDebug: (text) => host.log(0, text), _debugProcess: noop, _debugEnd: noop, _startProfilerIdleNotifier: noop, abort: () => host.exit(134),
        causeSegfault: () => host.exit(139), patchProcessObject: noop, setEmitWarningSync: noop, loadEnvFile(file = '.env') {
          const parsed = requireBuiltin('thaw/dotenv')(requireBuiltin('fs').readFileSync(file, 'utf8'));
          for (const key in parsed) process.env[key] ??= parsed[key];
        }, dlopen: unsupported('process.dlopen'),
        _getActiveRequests: () => [], _getActiveHandles: () => [], getActiveResourcesInfo: () => [],
      };
    },
    report: { shouldReportOnUncaughtException: () => false },
    serdes: () => requireBuiltin('thaw/data').serdes,
    internal_only_v8: { queryObjects: noop },
    stream_wrap: () => requireBuiltin('thaw/net').stream_wrap,
    string_decoder: () => requireBuiltin('thaw/string_decoder')({ encodings, buffer }),
    symbols: perIsolateSymbols,
    task_queue: {
      tickInfo: loop.tickInfo, runMicrotasks: host.runMicrotasks, enqueueMicrotask: host.enqueueMicrotask,
      setTickCallback: (callback) => { loop.setTickCallback(callback); },
      promiseRejectEvents: { kPromiseRejectWithNoHandler: 0, kPromiseHandlerAddedAfterReject: 1, kPromiseResolveAfterResolved: 2, kPromiseRejectAfterResolved: 3 },
      setPromiseRejectCallback: host.onRejection,
    },
    tcp_wrap: () => requireBuiltin('thaw/net').tcp_wrap,
    cares_wrap: () => requireBuiltin('thaw/net').cares_wrap,
    timers: loop.timersBinding,
    trace_events: { trace: noop, isTraceCategoryEnabled: () => false, setTraceCategoryStateUpdateHandler: noop, getCategoryEnabledBuffer: () => [0], available: false, getEnabledCategories: noop },
    tty_wrap: { isTTY: () => false, TTY: class TTY {} },
    types: () => ({ ...types, isEventTarget: () => false, isCryptoKey: (v) => requireBuiltin('internal/crypto/keys').isCryptoKey(v), isKeyObject: (v) => requireBuiltin('internal/crypto/keys').isKeyObject(v) }),
    url: () => requireBuiltin('thaw/url'),
    util: () => ({
      constants: {
        kPending: 0, kFulfilled: 1, kRejected: 2, kExiting: 0, kExitCode: 1, kHasExitCode: 2, ALL_PROPERTIES: 0, ONLY_WRITABLE: 1, ONLY_ENUMERABLE: 2,
        ONLY_CONFIGURABLE: 4, SKIP_STRINGS: 8, SKIP_SYMBOLS: 16, kDisallowCloneAndTransfer: 0, kTransferable: 1, kCloneable: 2,
      },
      privateSymbols, shouldAbortOnUncaughtToggle: new Uint32Array(1),
      getPromiseDetails: host.getPromiseDetails, getProxyDetails: host.getProxyDetails, previewEntries: host.previewEntries,
      getOwnNonIndexProperties: host.getOwnNonIndexProperties, isConstructor: host.isConstructor,
      getCallerLocation: noop, getExternalValue: noop, getSystemErrorName: (number) => internalBinding('uv').errname(number),
      getConstructorName(object) {
        for (let o = object; o !== null; o = Object.getPrototypeOf(o)) {
          const d = Object.getOwnPropertyDescriptor(o, 'constructor');
          if (d !== undefined && typeof d.value === 'function' && d.value.name !== '') return d.value.name;
        }
        return host.className(object);
      },
      getCallSites(count) {
        const limit = Error.stackTraceLimit;
        const prepare = Error.prepareStackTrace;
        Error.stackTraceLimit = count + 1;
        Error.prepareStackTrace = (_, sites) => sites.map((s) => ({ functionName: s.getFunctionName() ?? '', scriptName: s.getFileName() ?? '', lineNumber: s.getLineNumber(), column: s.getColumnNumber() }));
        const sites = new Error().stack;
        Error.stackTraceLimit = limit;
        Error.prepareStackTrace = prepare;
        return sites.slice(1);
      },
      sleep: (ms) => host.sleep(ms),
      isInsideNodeModules() {
        const files = internalBinding('util').getCallSites(20).map((s) => s.scriptName).filter((f) => !f.startsWith('node:'));
        return files.length > 0 && /[/\\]node_modules[/\\]/.test(files[0]);
      },
      isArrayBufferDetached: (b) => b.detached === true, guessHandleType: (fd) => (fd <= 2 ? 'PIPE' : 'FILE'),
      toUSVString: (s) => `${s}`.toWellFormed(), arrayBufferViewHasBuffer: () => true, parseEnv: (text) => requireBuiltin('thaw/dotenv')(text),
      defineLazyProperties(target, id, keys, enumerable = true) { requireBuiltin('internal/util').defineLazyProperties(target, id, keys, enumerable); },
      WeakReference: class WeakReference {
        constructor(object) { this.object = object; }
        get() { return this.object; }
        incRef() {}
        decRef() {}
      },
    }),
    uv: () => requireBuiltin('thaw/uv'),
    v8: () => {
      const heap = new Float64Array(14);
      return {
        setHeapSnapshotNearHeapLimit: noop, startupSnapshot: {}, heapStatisticsBuffer: heap, heapCodeStatisticsBuffer: new Float64Array(4),
        heapSpaceStatisticsBuffer: new Float64Array(5), updateHeapCodeStatisticsBuffer: noop, updateHeapSpaceStatisticsBuffer: noop, setFlagsFromString: noop,
        isStringOneByteRepresentation: (s) => !/[^\0-\xff]/.test(s), cachedDataVersionTag: () => 0x7175696a, startCpuProfile: noop, stopCpuProfile: noop,
        updateHeapStatisticsBuffer() { // of the engine's heap; its limit is the function's memory
          const [linear, used] = host.memory(), limit = internalBinding('os').getTotalMem();
          heap.set([linear, 0, linear, Math.max(0, limit - linear), used, limit, used, linear, 0, 1, 0, 0, 0, 0]);
        },
        kTotalHeapSizeIndex: 0, kTotalHeapSizeExecutableIndex: 1, kTotalPhysicalSizeIndex: 2, kTotalAvailableSize: 3, kUsedHeapSizeIndex: 4, kHeapSizeLimitIndex: 5,
        kMallocedMemoryIndex: 6, kPeakMallocedMemoryIndex: 7, kDoesZapGarbageIndex: 8, kNumberOfNativeContextsIndex: 9, kNumberOfDetachedContextsIndex: 10,
        kTotalGlobalHandlesSizeIndex: 11, kUsedGlobalHandlesSizeIndex: 12, kExternalMemoryIndex: 13, kHeapSpaces: [], kSpaceSizeIndex: 0, kSpaceUsedSizeIndex: 1,
        kSpaceAvailableSizeIndex: 2, kPhysicalSpaceSizeIndex: 3, kCodeAndMetadataSizeIndex: 0, kBytecodeAndMetadataSizeIndex: 1, kExternalScriptSourceSizeIndex: 2,
        kCPUProfilerMetaDataSizeIndex: 3, GCProfiler: class GCProfiler { start() {} stop() {} },
      };
    },
    zlib: () => requireBuiltin('thaw/zlib'),
    wasm_web_api: { setImplementation: noop },
    ...requireBuiltin('thaw/absent'),
  };
  return bindings;
};
