package python_test

import "testing"

// What programs expect of Linux, where WASI's C library has nothing.
func TestLikeLinux(t *testing.T) {
	got := run(t, `
import fcntl, getpass, grp, io, os, pathlib, pwd, pydoc, resource, shutil, stat, tarfile, tempfile, time, zipfile
def handler(e, c):
    os.makedirs("/tmp/d/e")
    with open("/tmp/d/f", "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        f.write("x")
    shutil.copytree("/tmp/d", "/tmp/copy")
    os.chmod("/tmp/copy/f", 0o600)
    with zipfile.ZipFile("/tmp/z.zip", "w") as z:
        z.write("/tmp/copy/f", "f")
        mode = z.getinfo("f").external_attr >> 16
    with tarfile.open("/tmp/t.tgz", "w:gz") as tar:
        tar.add("/tmp/copy", "c")
        modes = [oct(m.mode & 0o777) for m in tar.getmembers()]
    tarfile.open("/tmp/t.tgz").extractall("/tmp/x", filter="data")
    return [
        [stat.filemode(os.stat(p).st_mode) for p in ("/tmp", "/tmp/d/f", "/var/task/app.py")], oct(mode), modes, sorted(os.listdir("/tmp/x/c")),
        getpass.getuser(), str(pathlib.Path.home()), pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name, os.umask(0o77), os.umask(0o22),
        resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 1000, time.thread_time() >= 0,
        pydoc.locate("os.path.join").__name__, len(os.sched_getaffinity(0)),
    ]
`, "{}")
	want(t, got, `[["drwxr-xr-x", "-rw-r--r--", "-rw-r--r--"], "0o100644", ["0o755", "0o755", "0o644"], ["e", "f"], "sbx_user1051", "/home/sbx_user1051",
		"sbx_user1051", "sbx_user1051", 18, 63, [1024, 1024], true, true, "join", 1]`)
}

// Floats have the shortest digits that stand for them, the nearest of these, and come back as they were. The yardstick is
// CPython's own conversion to a given number of digits.
func TestFloats(t *testing.T) {
	got := run(t, `
import json, math, random, struct
def digits(text):
    mantissa, _, exponent = text.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    point = len(whole) + int(exponent or 0)
    number = (whole + fraction).lstrip("0")
    return number.rstrip("0"), point - (len(whole + fraction) - len(number))
def bits(x):
    return struct.pack("<d", x)
def handler(e, c):
    random.seed(e)
    numbers = [2.0**k for k in range(-1074, 1024, 7)] + [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 9007199254740993.0, 0.1, 1e22, 1e23, 123456789.0]
    numbers += [struct.unpack("<d", random.randbytes(8))[0] for _ in range(1500)] + [random.uniform(-1e6, 1e6) for _ in range(500)] + [random.randrange(10**6) / 100 for _ in range(500)]
    wrong = []
    for x in filter(math.isfinite, numbers):
        text = repr(x)
        size = len(digits(text)[0])
        same = "%.*e" % (size - 1, x)  # the nearest of this size, but where halves are rounded to even
        if any(float("%.*e" % (n, x)) == x for n in range(size - 1)) or float(same) == x and digits(same) != digits(text):
            wrong.append([text, same])
        if bits(float(text)) != bits(x) or bits(json.loads(json.dumps(x))) != bits(x):
            wrong.append(text)
    odd = [float(s) for s in ("1.", ".5", "+2.5", "1e5", " 3 ", "1_000.5", "1e400", "-0", "00.5", "9" * 30, "2.4703282292062327e-324")]
    return [wrong, [str(x) for x in odd], [repr(x) for x in (1e16, 1e-5, 0.0001, 123456789012345680.0, -0.0, 100.0)], json.dumps([float("inf"), float("nan")])]
`, "7")
	want(t, got, `[[], ["1.0", "0.5", "2.5", "100000.0", "3.0", "1000.5", "inf", "-0.0", "0.5", "1e+30", "0.0"],
		["1e+16", "1e-05", "0.0001", "1.2345678901234568e+17", "-0.0", "100.0"], "[Infinity, NaN]"]`)
}
