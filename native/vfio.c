/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is the memory of a device opened that VFIO has?  A region's path names the group's file, the device and the number of
 * its region (a BAR), e.g. "/dev/vfio/3 0000:00:05.0 2". Numbers: include/uapi/linux/vfio.h. */
#include "agent.h"

enum {
	VFIO_SET_IOMMU_ = 0x3b66, VFIO_GROUP_SET_CONTAINER_ = 0x3b68, VFIO_GROUP_GET_DEVICE_FD_ = 0x3b6a,
	VFIO_DEVICE_GET_REGION_INFO_ = 0x3b6c, TYPE1_ = 1, NOIOMMU_ = 8, CONFIG_SPACE = 7, FLAG_MMAP = 4
};

struct region_info { u32 argsz, flags, index, cap_offset; u64 size, offset; };

/* "a b c" becomes three strings in place; 0 when there are fewer. */
static int split(char *s, char *part[3])
{
	int n = 1;

	part[0] = s;
	for (; *s && n < 3; s++)
		if (*s == ' ')
			*s = 0, part[n++] = s + 1;
	return n == 3;
}

/* The device's descriptor. It holds its group, and that its container, so both may be closed. */
static long open_device(const char *group_path, const char *device, u32 *stage)
{
	s32 container = (s32)sys_open("/dev/vfio/vfio", S_O_RDWR);
	long group = container < 0 ? container : sys_open(group_path, S_O_RDWR), ret;

	if (group < 0) {
		if (container >= 0)
			sys_close(container);
		return group;
	}
	*stage = REGION_ALLOCATE;
	ret = SYS(ioctl, group, VFIO_GROUP_SET_CONTAINER_, &container);
	if (!failed(ret)) {
		ret = SYS(ioctl, container, VFIO_SET_IOMMU_, TYPE1_);
		if (failed(ret))
			ret = SYS(ioctl, container, VFIO_SET_IOMMU_, NOIOMMU_);
	}
	if (!failed(ret))
		ret = SYS(ioctl, group, VFIO_GROUP_GET_DEVICE_FD_, device);
	sys_close(group);
	sys_close(container);
	return ret;
}

/* The physical address is the first number of the region's line in sysfs: 0x00000000fea00000 0x... */
static u64 first_pfn(const char *device, u64 index)
{
	char path[96];
	struct text t = {path, 0, sizeof(path) - 1, 0};
	char *lines = (char *)me.box->obs.payload;
	long n, i = 0;
	u64 v = 0;

	text_str(&t, "/sys/bus/pci/devices/");
	text_str(&t, device);
	text_str(&t, "/resource");
	path[t.len] = 0;
	n = read_file(path, lines, MAX_PAYLOAD);
	for (; i < n && index; i++)
		index -= lines[i] == '\n';
	if (i + 2 < n)
		parse_hex(lines + i + 2, (size_t)(n - i - 2), &v);
	return v / me.page_size;
}

/* vfio_pci answers a fault with SIGBUS while the device does not decode its memory (5.8). */
static void decode_memory(long fd)
{
	enum { PCI_COMMAND_ = 4, PCI_COMMAND_MEMORY_ = 2 };
	struct region_info config = {sizeof(config), 0, CONFIG_SPACE, 0, 0, 0};
	u16 command = 0;

	if (failed(SYS(ioctl, fd, VFIO_DEVICE_GET_REGION_INFO_, &config)) ||
	    sys_pread(fd, &command, 2, config.offset + PCI_COMMAND_) != 2 || command & PCI_COMMAND_MEMORY_)
		return;
	command |= PCI_COMMAND_MEMORY_;
	sys_pwrite(fd, &command, 2, config.offset + PCI_COMMAND_);
}

long region_vfio(struct region *r)
{
	struct region_info info = {sizeof(info), 0, 0, 0, 0, 0};
	char path[sizeof(r->path)], *part[3];
	u64 index;
	long ret;

	memcpy(path, r->path, sizeof(path));
	if (!split(path, part) || !parse_dec(part[2], strlen(part[2]), &index))
		return -E_INVAL;
	ret = open_device(part[0], part[1], &r->fault_stage);
	if (failed(ret))
		return ret;
	r->fd = (s32)ret;
	info.index = (u32)index;
	ret = SYS(ioctl, r->fd, VFIO_DEVICE_GET_REGION_INFO_, &info);
	if (failed(ret))
		return ret;
	r->fault_stage = REGION_MMAP;
	if (!(info.flags & FLAG_MMAP) || r->base >= info.size)
		return -E_NODEV;
	decode_memory(r->fd);
	r->pfn = (first_pfn(part[1], index) + r->base / me.page_size);
	r->pages = r->pages ? r->pages : (info.size - r->base) / me.page_size;
	r->base += info.offset;
	return 0;
}
