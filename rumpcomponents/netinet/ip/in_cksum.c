/* SPDX-License-Identifier: BSD-2-Clause */
/* The Internet checksum (RFC 1071), eight bytes at a time. */
#include "ip_impl.h"

/* Sum of len bytes as 16-bit words in memory order, folded to 16 bits; an odd last byte is padded.
 */
static uint32_t sum_bytes(const uint8_t *p, size_t len)
{
	uint64_t sum = 0, w;
	uint32_t d;
	uint16_t h;

	for (; len >= 8; p += 8, len -= 8) {
		__builtin_memcpy(&w, p, 8);
		sum += w;
		sum += sum < w; /* end-around carry */
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	if (len & 4) {
		__builtin_memcpy(&d, p, 4);
		sum += d;
		p += 4;
	}
	if (len & 2) {
		__builtin_memcpy(&h, p, 2);
		sum += h;
		p += 2;
	}
	if (len & 1)
		sum += *p;
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	return in_cksum_fold((uint32_t)((sum & 0xffff) + (sum >> 16)));
}

uint32_t in_cksum_bytes(const void *p, size_t len, uint32_t sum)
{
	return sum + sum_bytes(p, len);
}

uint32_t in_cksum_add(const struct mbuf *m, size_t off, size_t len, uint32_t sum)
{
	bool odd = false;

	for (; m && off >= m->m_len; m = m->m_next)
		off -= m->m_len;
	for (; m && len > 0; m = m->m_next) {
		size_t piece = KMIN(len, m->m_len - off);
		uint32_t part = sum_bytes(m->m_data + off, piece);

		/* A piece that begins at an odd place has its bytes the other way round. */
		sum += odd ? __builtin_bswap16((uint16_t)part) : part;
		sum = (sum & 0xffff) + (sum >> 16);
		odd ^= piece & 1;
		len -= piece;
		off = 0;
	}
	return sum;
}

bool ip_cksum_ok(const struct mbuf *m, unsigned hlen)
{
	const struct iphdr4 *ip = (const struct iphdr4 *)m->m_data;
	uint32_t len = m->m_pktlen - hlen;

	if (m->m_csum_flags & MCSUM_RX_L4_OK)
		return true;
	return in_cksum_fold(in_cksum_add(
		   m, hlen, len, in_pseudo(ip->ip_src, ip->ip_dst, ip->ip_p, len))) == 0xffff;
}
