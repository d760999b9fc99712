/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console.c - the serial port COM1, a 16550 (National's PC16550D).
 *
 * Output polls: the line status is read once for a FIFO's worth of bytes.
 * Input interrupts, from the first rumpuser_console_read() on; programs that
 * read no input cost no set-up.  Writers on several CPUs are kept apart by
 * console_lock, which a panicking CPU breaks after a while.
 */
#include "hw.h"

#define COM1	  0x3f8
#define COM1_IRQ  4
#define DATA	  (COM1 + 0)
#define IER	  (COM1 + 1)
#define FCR	  (COM1 + 2)
#define LCR	  (COM1 + 3)
#define MCR	  (COM1 + 4)
#define LSR	  (COM1 + 5)
#define LSR_DATA  0x01
#define LSR_EMPTY 0x20
#define FIFO	  16
#define SPIN	  200000

static volatile uint32_t console_lock;
static uint32_t fifo_left; /* bytes that fit without asking */
static bool ready, input;

/* 115200 8N1, FIFOs on, interrupts' gate (OUT2), DTR and RTS on. */
static void uart_init(void)
{
	hw_outb(IER, 0);
	hw_outb(LCR, 0x83);
	hw_outb(DATA, 1);
	hw_outb(IER, 0);
	hw_outb(LCR, 0x03);
	hw_outb(FCR, 0xc7); /* an interrupt for 14 bytes, or when no more come */
	hw_outb(MCR, 0x0b);
	ready = true;
}

static void putbyte(char c)
{
	unsigned i;

	if (fifo_left == 0) {
		for (i = 0; i < SPIN && !(hw_inb(LSR) & LSR_EMPTY); i++)
			hw_pause();
		fifo_left = FIFO;
	}
	hw_outb(DATA, c);
	fifo_left--;
}

static void write_chunk(const char *buf, size_t len)
{
	uint64_t flags = hw_irq_save();
	unsigned spins = 0;

	while (
	    __atomic_exchange_n(&console_lock, 1, __ATOMIC_ACQUIRE) != 0 && ++spins < SPIN * 10) {
		hw_tlb_poll();
		hw_pause();
	}
	if (!ready)
		uart_init();
	for (; len > 0; len--)
		putbyte(*buf++);
	__atomic_store_n(&console_lock, 0, __ATOMIC_RELEASE);
	hw_irq_restore(flags);
}

/* In pieces: interrupts are off, and a real line takes 87 us a byte. */
void rumpuser_console_write(const char *buf, size_t len)
{
	size_t n;

	for (; len > 0; buf += n, len -= n) {
		n = len < 4 * FIFO ? len : 4 * FIFO;
		write_chunk(buf, n);
	}
}

static void input_init(void)
{
	unsigned gsi;
	bool level, active_low;

	input = true;
	if (!ready)
		uart_init();
	hw_acpi_isa_irq(COM1_IRQ, &gsi, &level, &active_low);
	if (hw_ioapic_fixed(gsi, level, active_low, RUMPUSER_IRQ_CONSOLE) == 0)
		hw_outb(IER, 1);
	/* What was sent before is lost with the reset of the FIFO: now is the time to send. */
	hw_status_write("kiln: input\n");
}

size_t rumpuser_console_read(char *buf, size_t len)
{
	size_t n = 0;
	uint8_t status;

	if (!input)
		input_init();
	while (n < len) {
		status = hw_inb(LSR);
		if (status == 0xff || !(status & LSR_DATA))
			break;
		buf[n++] = hw_inb(DATA);
	}
	return n;
}
