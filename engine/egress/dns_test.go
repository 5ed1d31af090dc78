package egress

import (
	"encoding/binary"
	"io"
	"net"
)

// serveDNS answers every question over UDP with "truncated" and over TCP with 2,000 addresses, until both are closed.
func serveDNS(udp net.PacketConn, tcp net.Listener) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := tcp.Accept()
			if err != nil {
				return
			}
			var size [2]byte
			if _, err := io.ReadFull(conn, size[:]); err == nil {
				q := make([]byte, binary.BigEndian.Uint16(size[:]))
				if _, err := io.ReadFull(conn, q); err == nil {
					a := dnsAnswer(q, 2000, false)
					_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...))
				}
			}
			_ = conn.Close()
		}
	}()
	buf := make([]byte, 1500)
	for {
		n, from, err := udp.ReadFrom(buf)
		if err != nil {
			break
		}
		_, _ = udp.WriteTo(dnsAnswer(buf[:n], 0, true), from)
	}
	<-done
}

// dnsAnswer makes the answer to a question: n addresses, all 10.0.0.1 and up.
func dnsAnswer(q []byte, n int, truncated bool) []byte {
	end := 12
	for q[end] != 0 {
		end += int(q[end]) + 1
	}
	end += 5
	a := append([]byte{}, q[:end]...)
	flags := uint16(0x8180)
	if truncated {
		flags |= 0x0200
	}
	binary.BigEndian.PutUint16(a[2:], flags)
	binary.BigEndian.PutUint16(a[6:], uint16(n))
	binary.BigEndian.PutUint32(a[8:], 0)
	for i := range n {
		a = append(a, 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, byte(i>>8), byte(i))
	}
	return a
}
