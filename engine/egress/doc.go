// Package egress decides where the functions of an engine may connect to, and makes their connections.
//
// A Policy answers for one address. It is asked with the address that is really dialled: guests resolve names first, through
// the Dialer, and connect to an address then, so a name that resolves to something else the second time (DNS rebinding)
// gains nothing.
//
// By default public addresses are open, and everything that belongs to the node or to its surroundings is refused: loopback,
// the node's own addresses, link-local and private networks, carrier-grade NAT, the metadata services of clouds, multicast,
// and the same behind the notations that embed an IPv4 address in an IPv6 one. Rules open or close more.
//
// A Dialer is what the instances of one engine share: limits on open sockets and look-ups, the resolver, and the goroutines
// that outlive a guest's call. Close waits for them.
package egress
