#include <config.h>

#include "runtime/socks/lockdown.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef HAVE_SECCOMP
#include <seccomp.h>
#endif

static bool fail(struct lockdown_error *error, const char *what, const char *name)
{
	snprintf(error->text, sizeof(error->text), "%s%s%s: %s", what, *name ? " " : "", name,
		 strerror(errno));
	return false;
}

static bool capabilities_keep(bool net)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	data[0].permitted = 1u << CAP_NET_BIND_SERVICE | (net ? 1u << CAP_NET_ADMIN : 0);
	data[0].effective = data[0].permitted;
	return !syscall(SYS_capset, &header, data);
}

bool lockdown_user(const char *user, bool keep_net, struct lockdown_error *error)
{
	struct passwd *p;

	errno = 0;
	p = getpwnam(user);
	if (!p) {
		errno = errno ? errno : ENOENT;
		return fail(error, "user", user);
	}
	if (initgroups(user, p->pw_gid) || setgid(p->pw_gid) ||
	    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setuid(p->pw_uid))
		return fail(error, "cannot become user", user);
	return capabilities_keep(keep_net) ? true : fail(error, "cannot keep capabilities", "");
}

#ifdef HAVE_SECCOMP

static const int never[] = {
	SCMP_SYS(acct),
	SCMP_SYS(add_key),
	SCMP_SYS(bpf),
	SCMP_SYS(delete_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(fsopen),
	SCMP_SYS(fspick),
	SCMP_SYS(init_module),
	SCMP_SYS(ioperm),
	SCMP_SYS(iopl),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(kexec_load),
	SCMP_SYS(keyctl),
	SCMP_SYS(mount),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(open_tree),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(personality),
	SCMP_SYS(pivot_root),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(ptrace),
	SCMP_SYS(quotactl),
	SCMP_SYS(reboot),
	SCMP_SYS(request_key),
	SCMP_SYS(setdomainname),
	SCMP_SYS(sethostname),
	SCMP_SYS(setns),
	SCMP_SYS(settimeofday),
	SCMP_SYS(swapoff),
	SCMP_SYS(swapon),
	SCMP_SYS(umount2),
	SCMP_SYS(unshare),
	SCMP_SYS(userfaultfd),
};

static bool rules_add(scmp_filter_ctx filter, bool may_exec)
{
	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), never[i], 0))
			return false;
	return may_exec ||
	       (!seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(execve), 0) &&
		!seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(execveat), 0));
}

bool lockdown_calls(bool may_exec, struct lockdown_error *error)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool good = filter && rules_add(filter, may_exec) &&
		    !seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	int e = good ? seccomp_load(filter) : -EINVAL;

	seccomp_release(filter);
	errno = -e;
	return !e ? true : fail(error, "seccomp", "");
}

#else

bool lockdown_calls(bool may_exec, struct lockdown_error *error)
{
	(void)may_exec;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail(error, "no new privileges", "");
	snprintf(error->text, sizeof(error->text), "this build has no libseccomp");
	return false;
}

#endif
