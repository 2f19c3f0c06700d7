#!/usr/bin/perl
# 6-authres - Authentication-Results as the MTA is told: places, order, modes, directions
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Filter;
use Tamis::Guard qw(free_port);
use Tamis::Mta;

alarm 240;

my $dead = '127.0.0.1@' . free_port(); # nobody answers there
my $rules = <<'RULES';
/^X-Del:/                              IGNORE
/^X-Rej:/                              REJECT no
/^X-Dis:/                              DISCARD
/^Subject: old/                        PREPEND X-Pre: p
/^Authentication-Results:.*;\s*rule/   PREPEND X-Was: r
RULES

sub filter {
    my ($conf, %set) = @_;
    return Tamis::Filter->new(files => { hc => $rules }, conf => <<"CONF",
myhostname = mx.test.example
mynetworks = 127.0.0.0/8
dns_servers = $dead
dns_timeout = 1s
stage_time_limit = 2s
header_checks = regexp:hc
$conf
CONF
        set => { authentication_results => 'iprev', log_message_id => 'no', %set })->start;
}

# One mail through a connection of its own: the last reply, and its edits as texts.
sub send_mail {
    my ($filter, $mail, %opt) = @_;
    my $mta = Tamis::Mta->connect($filter->milter, %{ $opt{mta} || {} });
    if ($opt{local}) {
        $mta->connect_info('localhost', 4, 0, '127.0.0.1');
    } else {
        $mta->macros('{client_resolve}' => 'OK', '{client_ptr}' => 'mail.example', %{ $opt{macros} || {} });
        $mta->connect_info('mail.example', 4, 40000, $opt{addr} // '192.0.2.7');
        $mta->helo('mail.example');
    }
    $mta->mail('<a@b.example>', %{ $opt{mail} || {} });
    $mta->rcpt('<c@test.example>');
    $mta->data;
    my $reply = $mta->content($mail);
    my @edits = Tamis::Mta::edits($reply);
    $mta->quit;
    return ($reply->{action}, @edits);
}

my $field = "insheader 0 Authentication-Results: mx.test.example;\n\tiprev=pass policy.iprev=192.0.2.7 (mail.example)";
my $plain = "Subject: x\n\nbody\n";
my $forged = <<'MAIL';
Authentication-Results: mx.test.example; spf=pass
Received: x
authentication-results: other.example; spf=pass
AUTHENTICATION-RESULTS: (a) "MX.test.example" 1;
 dkim=pass
X-Del: 1
Authentication-Results: yet.other.example; none
Authentication-Results: mx.test.example; rule
Subject: old

body
MAIL
my @removed = ('chgheader 5 Authentication-Results:', 'chgheader 3 AUTHENTICATION-RESULTS:',
    'chgheader 1 Authentication-Results:');
my @all = ('insheader 8 X-Pre: p', 'chgheader 5 Authentication-Results:', 'insheader 7 X-Was: r',
    'chgheader 1 X-Del:', 'chgheader 3 AUTHENTICATION-RESULTS:', 'chgheader 1 Authentication-Results:');

my $filter = filter('mode = enforce');
is_deeply [send_mail($filter, $plain)], ['continue', $field], 'incoming: one field at index 0';
is_deeply [send_mail($filter, "\nbody\n")], ['continue', $field], 'a mail without any header';
is_deeply [send_mail($filter, $forged)], ['continue', @all, $field],
    'forged fields go from the last to the first, then ours comes on top';
is_deeply [send_mail($filter, $forged, addr => '127.0.0.1')], ['continue', @all], 'outgoing by its network: they go, none comes';
is_deeply [send_mail($filter, $forged, mail => { '{auth_authen}' => 'joe' })], ['continue', @all],
    'outgoing by its login: the same';
is_deeply [send_mail($filter, $forged, local => 1)], ['continue', @all], 'sendmail(1): the same';
is_deeply [send_mail($filter, "X-Rej: 1\n$forged")], ['replycode'], 'a mail that is refused: nothing';
is_deeply [send_mail($filter, "X-Dis: 1\n$forged")], ['discard'], 'a mail that is thrown away: nothing';
is_deeply [send_mail($filter, $plain, mta => { steps => 0x1fffff & ~0x100000 })],
    ['continue', $field =~ s/Results: /Results:/r], 'an MTA that adds the blank by itself';
is $filter->stop, 0, 'ends';
unlike $filter->stderr, qr/Sanitizer|runtime error/, 'no sanitizer spoke';

$filter = filter('mode = annotate');
is_deeply [send_mail($filter, $forged)], ['continue', @removed, $field], 'annotate: these edits, and none of rules';
is_deeply [send_mail($filter, "X-Rej: 1\n$forged")], ['continue', @removed, $field], 'annotate: a mail that would be refused';
is_deeply [send_mail($filter, "X-Dis: 1\n$forged")], ['continue', @removed, $field], 'annotate: one that would be thrown away';
is_deeply [send_mail($filter, $forged, mail => { '{auth_authen}' => 'joe' })], ['continue', @removed], 'annotate: outgoing';
is_deeply [send_mail($filter, $plain)], ['continue', $field], 'annotate: a plain mail';
is $filter->stop, 0, 'ends';

$filter = filter("mode = annotate\nrecipient_restrictions = reject");
is_deeply [send_mail($filter, $forged)], ['continue', @removed, $field], 'annotate: recipients that would be refused';
$filter->stop;
$filter = filter("mode = annotate\nsender_restrictions = check_sender_access static:DISCARD");
is_deeply [send_mail($filter, $forged)], ['continue', @removed, $field], 'annotate: a sender whose mail would be thrown away';
$filter->stop;
$filter = filter("mode = annotate\nend_of_data_restrictions = reject");
is_deeply [send_mail($filter, $forged)], ['continue', @removed, $field], 'annotate: refused at the end';
$filter->stop;

$filter = filter('mode = observe');
is_deeply [send_mail($filter, $forged)], ['continue'], 'observe: nothing';
my @noted = $filter->wait_sql(2, "SELECT restriction, result FROM check_result WHERE restriction LIKE 'authentication_results%' ORDER BY n");
is_deeply [map { "$_->{restriction} $_->{result}" } @noted],
    ['authentication_results: 3 forged fields ignore', 'authentication_results prepend'],
    'observe: what would be done is logged';
$filter->stop;

$filter = filter('mode = enforce', keep_authres_from_milters => 'yes');
is_deeply [send_mail($filter, "Authentication-Results: mx.test.example; spf=pass\n$plain")], ['continue', $field],
    'keep_authres_from_milters: none is removed, ours comes';
$filter->stop;

$filter = filter('mode = enforce', authentication_results => 'iprev, spf');
my ($action, $edit, @more) = send_mail($filter, $plain);
is $action, 'continue', 'no name server: the mail is taken';
is scalar(@more), 0, 'no name server: one edit';
like $edit, qr{^\Q$field\E;\n\tspf=temperror reason="[^";=]+" smtp\.helo=mail\.example;\n\tspf=temperror reason="[^";=]+" smtp\.mailfrom=b\.example$},
    'no name server: temperror';
is_deeply [send_mail($filter, $forged, addr => '127.0.0.1')], ['continue', @all], 'no name server: outgoing mail asks nobody';
$filter->stop;

$filter = filter('mode = enforce', authentication_results => '');
my $bare = "Authentication-Results: mx.test.example; spf=pass\n$plain";
is_deeply [send_mail($filter, $bare)], ['continue'], 'no field: none is removed';
$filter->stop;

# Thousands of forged fields among others.
$filter = filter('mode = enforce');
my $many = join '', map { "Authentication-Results: mx.test.example; n=$_\nAuthentication-Results: o.example; n=$_\n" } 1 .. 2000;
is_deeply [send_mail($filter, "$many\nbody\n", mta => { timeout => 60 })],
    ['continue', (map { 'chgheader ' . (2 * $_ - 1) . ' Authentication-Results:' } reverse 1 .. 2000), $field],
    'two thousand forged fields among two thousand others';
is $filter->stop, 0, 'ends';
unlike $filter->stderr, qr/Sanitizer|runtime error/, 'no sanitizer spoke';

done_testing;
