#!/usr/bin/env bash
# Prints what CPython's configure must believe of wasm32-wasi and would find out wrongly or not at all without running
# programs: a config.site file.
for f in _dev_ptmx _dev_ptc; do echo "ac_cv_file_$f=no"; done
cat <<'END'
ac_cv_have_long_long_format=yes
ac_cv_buggy_getaddrinfo=no
ac_cv_header_sys_resource_h=no
ac_cv_header_sys_un_h=no
ac_cv_header_dlfcn_h=no
ac_cv_header_ieeefp_h=no
ac_cv_header_netpacket_packet_h=no
ac_cv_header_signal_h=yes
ac_cv_have_chflags=no
ac_cv_have_lchflags=no
ac_cv_func_dup2=yes
ac_cv_func_waitpid=yes
ac_cv_header_sys_wait_h=yes
ac_cv_little_endian_double=yes
ac_cv_tanh_preserves_zero_sign=yes
ac_cv_broken_sem_getvalue=no
END
# Declared in headers or found in a library, but not usable.
for f in pipe getpwent wait3 dlopen clock_nanosleep fork getpgrp setpgrp mkfifo mknod chmod fchmod lchmod chown fchown lchown statvfs fstatvfs \
	tmpfile tmpnam tempnam readv nice; do
	echo "ac_cv_func_$f=no"
done
