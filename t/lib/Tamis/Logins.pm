# Tamis::Logins - a server that knows no login, but without which Postfix believes none that XCLIENT tells
# SPDX-License-Identifier: BSD-2-Clause
package Tamis::Logins;

use strict;
use warnings;

use Exporter qw(import);
use IO::Socket::UNIX;
use POSIX qw(_exit);
use Tamis::Guard qw(at_end in_child);

our @EXPORT_OK = qw(login_server);

# Speaks the beginning of Dovecot's protocol at `path`, until the test ends.
sub login_server {
    my ($path) = @_;
    my $server = IO::Socket::UNIX->new(Local => $path, Listen => 100) or die "$path: $!";
    chmod 0666, $path;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        in_child();
        $SIG{CHLD} = 'IGNORE';
        while (1) {
            my $client = $server->accept or next;
            fork and next;
            syswrite $client, "VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\tx\nDONE\n";
            1 while sysread $client, my $buffer, 4096;
            _exit(0);
        }
    }
    at_end($path, sub { kill 'TERM', $pid; waitpid $pid, 0 });
}

1;
