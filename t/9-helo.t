#!/usr/bin/perl
# 9-helo - a client that says HELO for ever, in a session that never ends
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Filter;
use Tamis::Live qw(live_mta);
use Tamis::Mta;

alarm 300;

my $filter = Tamis::Filter->new(conf => <<'CONF')->start;
mode = enforce
delay_reject = no
client_restrictions = check_client_access inline:{{192.0.2.8 = DEFER_IF_PERMIT client}}
helo_restrictions = check_helo_access inline:{{late = DEFER_IF_PERMIT helo}}
recipient_restrictions = check_recipient_access inline:{{x = REJECT}}
CONF

sub resident {
    open my $in, '<', '/proc/' . $filter->pid . '/statm' or die $!;
    return 4 * (split ' ', <$in>)[1];
}

sub rcpt_after {
    my ($mta) = @_;
    $mta->mail('<a@b.example>');
    return $mta->rcpt('<c@d.example>')->{text} // 'ok';
}

my $mta = live_mta($filter);
$mta->helo('x' x 2000, '{cert_subject}' => 'y' x 1000) for 1 .. 200;
my $before = resident();
$mta->helo("$_." . 'x' x 2000) for 1 .. 10_000;
is rcpt_after($mta), 'ok', '10,000 names';
cmp_ok resident() - $before, '<', 8_000, 'of which only the last is kept (kB)';

# What a HELO's list asked for goes with its name, what the client's did stays.
$mta->abort;
$mta->helo('late');
is rcpt_after($mta), '450 4.7.1 <late>: Helo command rejected: helo', 'a deferral asked for at HELO';
$mta->helo('early');
is $mta->rcpt('<c@d.example>')->{text} // 'ok', 'ok', 'another HELO in the midst of the message';
$mta->abort;
is rcpt_after($mta), 'ok', 'and in the next one';
$mta->quit;
$mta = Tamis::Mta->connect($filter->milter);
$mta->connect_info('mail.example', 4, 40000, '192.0.2.8');
for my $name ('late', 'early', 'late') {
    $mta->helo($name);
    is rcpt_after($mta), '450 4.7.1 <mail.example[192.0.2.8]>: Client host rejected: client', "one asked for at CONNECT, then HELO $name";
}
$mta->quit;
is $filter->stop, 0, 'ends';
unlike $filter->stderr, qr/Sanitizer|runtime error/, 'no sanitizer spoke';

done_testing;
