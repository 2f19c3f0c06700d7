# Tamis::PrivateNet - a network of the test's own, whose name server is the test's, also for libc
# SPDX-License-Identifier: BSD-2-Clause
package Tamis::PrivateNet;

use strict;
use warnings;

use Exporter qw(import);
use Socket;
use Tamis::Guard qw(run_command spew temp_dir);

our @EXPORT_OK = qw(private_net private_network);

# Runs the test again from its beginning in a network namespace that has nothing but 127.0.0.1 and
# ::1, with an /etc/resolv.conf that names 127.0.0.1, port 53, where nobody listens yet. To be
# called before anything is started. Nothing outside is changed, and nothing remains of it. Returns
# undef inside, or why it cannot be: it takes root, and a kernel that permits it.
sub private_net {
    my $place = delete $ENV{TAMIS_PRIVATE_NET};

    return furnish() if defined $place;
    my ($status, undef, $why) = run_command(['unshare', '--net', '--mount', '--', 'true']);
    return 'no network namespace: ' . ($why =~ s/\s+\z//r || "unshare: status $status")
        if $status != 0;
    $ENV{TAMIS_PRIVATE_NET} = 1;
    no warnings 'exec';
    exec 'unshare', '--net', '--mount', '--', $^X, (map { "-I$_" } grep { !ref } @INC), $0, @ARGV;
    return "unshare: $!";
}

# Inside: makes a network of 256 addresses this machine's, too, by its first three numbers. False if
# that cannot be.
sub private_network {
    my ($prefix) = @_;
    my ($set_address, $set_mask) = (0x8916, 0x891c);

    socket my $socket, AF_INET, SOCK_DGRAM, 0 or return 0;
    ioctl $socket, $set_address, pack 'a16 a16', 'lo:1', pack_sockaddr_in(0, inet_aton("$prefix.1"))
        or return 0;
    return ioctl $socket, $set_mask, pack 'a16 a16', 'lo:1',
        pack_sockaddr_in(0, inet_aton('255.255.255.0'));
}

# The libc asks its files and then the DNS: whatever else nsswitch.conf may name is outside.
sub furnish {
    my $dir = temp_dir();
    my %text = (
        '/etc/resolv.conf'   => "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
        '/etc/nsswitch.conf' => "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n",
        '/etc/hosts'         => "127.0.0.1 localhost\n::1 localhost\n",
    );

    return "lo: $!" if !loopback_up();
    for my $path (sort keys %text) {
        my $file = spew($dir . $path =~ s{.*/}{/}r, $text{$path});
        my ($status, undef, $why) = run_command(['mount', '--bind', $file, $path]);
        return "mount: $why" =~ s/\s+\z//r if $status != 0;
    }
    return undef;
}

# As `ip link set lo up`, where there is no ip.
sub loopback_up {
    my ($get, $set, $up) = (0x8913, 0x8914, 1);
    my $request = pack 'a16 x24', 'lo';

    socket my $socket, AF_INET, SOCK_DGRAM, 0 or return 0;
    ioctl $socket, $get, $request or return 0;
    my $flags = unpack 'x16 s', $request;
    return 1 if $flags & $up;
    return ioctl $socket, $set, pack 'a16 s x22', 'lo', $flags | $up;
}

1;
