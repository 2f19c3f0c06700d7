#!/usr/bin/perl
# 9-envelope - whatever the MTA says an address is, as typed and as resolved, under every restriction on addresses
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Filter;
use Tamis::Live qw(live_mta);

alarm 300;

my $filter = Tamis::Filter->new(conf => <<'CONF')->start;
mode = enforce
mydestination = here.example
recipient_delimiter = +-
log_mta_rejects = yes
restriction_classes = careful
careful = reject_non_fqdn_sender, reject_non_fqdn_recipient, reject_multi_recipient_bounce
client_restrictions = check_client_access inline:{{x = REJECT}}
helo_restrictions = reject_invalid_helo_hostname, check_helo_access inline:{{x = REJECT}}
sender_restrictions = check_sender_access inline:{{bad@x.example = REJECT}}, warn_if_reject, careful,
    check_sasl_access inline:{{x = REJECT}}
relay_restrictions = warn_if_reject, reject_unauth_destination
recipient_restrictions = check_recipient_access inline:{{bad@here.example = REJECT}}, warn_if_reject, careful
data_restrictions = reject_multi_recipient_bounce
end_of_data_restrictions = check_sender_access inline:{{bad@x.example = REJECT}}
CONF

my $long = 'x' x 10_000;
my @odd = ('', '<>', '<', '>', '@', '@@@', '<@>', '"', '"a', '<"a"b"c"@x.example>', '\\', '<a\\', '@a', '@a,@b', '<@a,@b>',
    '<@a:>', '<@a:b@c>', 'a@', '+@x', '+', '-@', '!', '%', 'a!', '!a', 'a%', '%a', 'a!b%c@d', '[', '<a@[>', '<a@[]>', '<a@]>',
    '<a@.>', '<a@..>', '.', '..', ' ', "\t", 'nodomain', '<no-domain>', 'no+domain', 'postmaster', "<\xc3\xa9\@\xc3\xa9>",
    "<a\@xn--\xff>", "<a\@xn--zzzzzz>", $long, "$long\@$long", '@' x 5000, '"' x 5000, '(' x 5000, '.' x 5000 . '@' . '.' x 5000, "\n\@\r");
my ($answered, $crashed) = (0, 0);
for my $typed (@odd) {
    my $mta = live_mta($filter);
    for my $resolved (undef, @odd) {
        my $mail = $mta->mail([$typed, $typed], '{mail_addr}' => $resolved, '{auth_authen}' => $resolved);
        my $rcpt = $mta->rcpt([$typed, $typed], '{rcpt_addr}' => $resolved, '{rcpt_host}' => $typed);
        my $refused = $mta->rcpt($typed, '{rcpt_mailer}' => 'error', '{rcpt_host}' => '5.1.1', '{rcpt_addr}' => 'no such user');
        $mta->macros(map { $_ => undef } '{rcpt_mailer}', '{rcpt_host}', '{rcpt_addr}');
        my $data = $mta->data;
        my $eom = $mta->eom;
        $mta->abort;
        $_->{action} =~ /^(?:none|continue|reject|tempfail|replycode)$/ ? $answered++ : $crashed++
            for $mail, $rcpt, $refused, $data, $eom;
        last if $crashed;
    }
    $mta->quit;
    last if $crashed;
}
is $crashed, 0, 'every event was answered' or diag $filter->stderr =~ /(.{0,400})\z/s;
is $answered, 5 * @odd * (@odd + 1), 'with every pair of addresses';

my $mta = live_mta($filter);
$mta->mail('<bad@x.example>', '{mail_addr}' => 'bad@x.example', '{auth_authen}' => undef);
is $mta->rcpt('<a@here.example>', '{rcpt_addr}' => 'a@here.example')->{text},
    '554 5.7.1 <bad@x.example>: Sender address rejected: Access denied', 'the rules still hold';
$mta->quit;
my @odd_lines = grep { !/^tamis: / } split /\n/, $filter->stderr;
is_deeply \@odd_lines, [], 'nothing smuggled a line into the log';
is $filter->stop, 0, 'ends';
unlike $filter->stderr, qr/Sanitizer|runtime error/, 'no sanitizer spoke';

done_testing;
