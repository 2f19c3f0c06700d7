#!/usr/bin/perl
# 7-dkim - behind a real Postfix: signed on the way out over its final bytes, verified on the way in by the next one
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Filter;
use Tamis::Guard qw(run_command slurp temp_dir);
use Tamis::NameServer qw(name_server_missing);
use Tamis::Postfix qw(postfix_missing);
use Tamis::Smtp;
use Test::More;

alarm 200;
if (my $why = postfix_missing() // name_server_missing()) {
    plan skip_all => $why;
}

my $dir = temp_dir();
my ($made, undef, $trouble) = run_command([$ENV{TAMIS} // './tamis', 'dkim', 'genkey', '-d', 'sign.example', '-s', 'k', '-t', 'both', '-D', $dir]);
is($made, 0, 'keys') or BAIL_OUT($trouble);
my $dns = Tamis::NameServer->new(zones => { 'sign.example' => join('', map { slurp("$dir/$_.txt") } qw(k k-ed25519)), '.' => '' })->start;

# The sender's filter and Postfix, and the receiver's.
my $signer = Tamis::Filter->new(
    files => { hc => "/^Subject: old (.*)/ REPLACE Subject: new \$1\n/^X-Gone:/ IGNORE\n/^X-Tell:/ PREPEND X-Told: yes\n" },
    conf => "header_checks = regexp:hc\n",
    set => { mode => 'enforce', dns_servers => $dns->server, myhostname => 'mx.sign.example', mydomain => 'sign.example',
        myorigin => 'sign.example', mydestination => 'sign.example', mynetworks => '10.0.0.0/8', authentication_results => 'dkim',
        signing_key => "sign.example:k:$dir/k.private, sign.example:k-ed25519:$dir/k-ed25519.private" });
my $verifier = Tamis::Filter->new(set => { mode => 'enforce', dns_servers => $dns->server, myhostname => 'mx.far.example', outgoing => '',
    mynetworks => '10.0.0.0/8', authentication_results => 'dkim' });
my $far = Tamis::Postfix->new(milters => $verifier->milter, params => { myhostname => 'mx.far.example' });
my $home = Tamis::Postfix->new(
    milters => $signer->milter,
    params => { myhostname => 'mx.sign.example', myorigin => 'sign.example', always_add_missing_headers => 'yes', notify_classes => '',
        internal_mail_filter_classes => 'bounce' },
    submission => { syslog_name => 'postfix/submission' },
    listeners => { filtered => {}, back => { smtpd_milters => '' } });
$home->{opt}{params}{$_} = 'smtp:[127.0.0.1]:' . $far->port for map { "${_}_transport" } qw(default relay local virtual);
$home->{opt}{master} = "scan  unix - - n - - smtp\n"
    . "whole unix - - n - - smtp\n  -o smtp_line_length_limit=0\n";
$home->{opt}{listeners}{filtered}{content_filter} = 'scan:[127.0.0.1]:' . $home->port('back');
$home->{opt}{params}{transport_maps} = 'inline:{{nobody@far.example=error:5.1.1 no such user}, {whole@far.example=whole:[127.0.0.1]:' . $far->port . '}}';
$home->write_config;
ok($_->start, 'tamis starts') or BAIL_OUT($_->stderr) for $signer, $verifier;
ok($_->start, 'Postfix starts') for $far, $home;

my $mails = 0;

# The next mail that the far sink gets.
sub arrived {
    my @mails = $far->mails(++$mails, 30);
    return $mails[$mails - 1] // { message => '', recipients => [], sender => 'nobody' };
}

# Fields of that name, from the top, without folds.
sub fields {
    my ($mail, $name) = @_;
    my ($head) = $mail->{message} =~ /\A(.*?)\r\n\r\n/s;
    ($head // '') =~ /./ or return;
    $head =~ s/\r\n[ \t]+/ /g;
    return $head =~ /^\Q$name\E:[ \t]*(.*?)\r?$/mgi;
}

# "pass pass" of the mail's one Authentication-Results field; what else it says in front.
sub verdict {
    my ($mail) = @_;
    my @fields = fields($mail, 'Authentication-Results');
    return 'fields: ' . scalar @fields if @fields != 1;
    return $1 eq 'mx.far.example' ? join ' ', $fields[0] =~ /\bdkim=(\w+)/g : $1 if $fields[0] =~ /^(\S+);/;
    return $fields[0];
}

sub send_by {
    my ($listener, $login, $message, %more) = @_;
    my $said = Tamis::Smtp->play(port => $home->port($listener), mail => '<a@sign.example>', rcpt => ['<u@far.example>'], message => $message,
        client => { addr => '192.0.2.7', name => 'pc.example', reverse_name => 'pc.example', ($login ? (login => $login) : ()) }, %more);
    like($said->{reply}, qr/^250 2\.0\.0 Ok: queued/, 'taken');
    return $said;
}

my $head = "From: Anna <a\@sign.example>\nTo: u\@far.example\nSubject: s\nDate: Sun, 22 Nov 2026 08:00:00 +0000\nMessage-ID: <1\@sign.example>\n";
my @bodies = (
    ['plain', "$head\nbody\n"],
    ['no Date, no Message-ID, no To', "From: a\@sign.example\nSubject: s\n\nbody\n"],
    ['addresses without a domain', "From: a\nTo: u\@far.example, other\nCc: Third <third>\n\nbody\n"],
    ['dots', "$head\n.\n..\n.x\n\n. \n"],
    ['no body', $head . "\n"],
    ['blank lines at the end', "$head\na\n\n \n\n\n"],
    ['8-bit', "Subject: \xc3\xa4\xff\n$head\n\xe4\xf6\xfc \xff\n", mail => '<a@sign.example> BODY=8BITMIME'],
    ['lines of 990', "$head\n" . ('x' x 990 . "\n") x 20],
    ['long header lines', "X-Long: " . join(' ', map { "word$_" } 1 .. 300) . "\nTo: " . join(",\n ", map { "u$_\@far.example" } 1 .. 200) . "\n$head\nbody\n"],
    ['folds and blanks', "X-A:  b  \nsubject:\n folded\n\t twice \t\nTO:u\@far.example\nReceived: from x\n\tby y; Sun, 22 Nov 2026 07:00:00 +0000\n$head\nbody\n"],
    ['a bare CR at the end of lines', "$head\na\r\r\nb\n"],
    ['fields that Postfix drops', "Bcc: x\@far.example\nReturn-Path: <q\@sign.example>\nContent-Length: 5\n$head\nbody\n"],
    ['fields that rules edit', "X-Gone: 1\nX-Tell: 1\n" . ($head =~ s/: s$/: old news/mr) . "\nbody\n"],
    ['multipart', "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n$head\n--b\nContent-Type: text/plain;\n charset=utf-8\n\n\xc3\xa4\n--b--\n",
        mail => '<a@sign.example> BODY=8BITMIME'],
    ['200 kB', "$head\n" . join('', map { "line $_ " . 'z' x 60 . "\n" } 1 .. 3000)],
    ['a forged result', "Authentication-Results: mx.far.example; dkim=pass header.d=bank.example\nAuthentication-Results: mx.sign.example; dkim=pass\n$head\nbody\n"],
);
for my $row (@bodies) {
    my ($name, $message, @more) = @$row;
    send_by('submission', 'x@sign.example', $message, @more);
    my $mail = arrived();
    is(verdict($mail), 'pass pass', "$name: both signatures are good");
    is(scalar(my @signatures = fields($mail, 'DKIM-Signature')), 2, "$name: there are two") or diag $mail->{message};
    is_deeply([fields($mail, 'Subject'), fields($mail, 'X-Told'), fields($mail, 'X-Gone')], ['new news', 'yes'], "$name: and edited it is")
        if $name eq 'fields that rules edit';
}
# Postfix's client breaks longer lines after they were signed, unless it is told not to.
my $long = "$head\n" . 'y' x 5000 . "\n";
send_by('submission', 'x@sign.example', $long, rcpt => ['<whole@far.example>']);
is(verdict(arrived()), 'pass pass', 'a line of 5,000, smtp_line_length_limit = 0: good');
send_by('submission', 'x@sign.example', $long);
is(verdict(arrived()), 'fail fail', 'a line of 5,000: broken on the way');

# --- who is not signed
send_by('submission', 'x@other.example', "$head\nbody\n");
is(verdict(arrived()), 'none', 'a login of another domain: not signed');
ok($signer->wait_stderr(qr/: dkim: not signed: login x\@other\.example, From sign\.example$/), 'the log says why');
send_by(undef, undef, "$head\nbody\n");
is(verdict(arrived()), 'fields: 2', 'from outside to port 25: both say what they think');
send_by(undef, undef, "$head\nbody\n", client => { addr => '10.1.2.3', name => 'pc.sign.example' });
is(verdict(arrived()), 'pass pass', 'from a listed network to port 25: signed');

# --- sendmail(1), bounces
$home->sendmail(['-f', 'a@sign.example', 'u@far.example'], "From: a\@sign.example\nSubject: local\n\nbody\n.\nno final end");
is(verdict(arrived()), 'pass pass', 'sendmail -f: signed');
$home->sendmail(['-i', '-f', 'cron', 'u@far.example'], "Subject: no From\n\nbody\n.\nmore\r\nCRLF");
is(verdict(arrived()), 'pass pass', 'sendmail -i, no From: Postfix writes one, and it is signed');
$home->sendmail(['-f', 'bounced@far.example', 'nobody@far.example'], "From: a\@sign.example\n\nbody\n");
my $bounce = arrived();
is_deeply([$bounce->{sender}, @{ $bounce->{recipients} }], ['', 'bounced@far.example'], 'a bounce');
like(join('', fields($bounce, 'From')), qr/MAILER-DAEMON\@(?:mx\.)?sign\.example/, 'whose author is of the domain');
is(verdict($bounce), 'pass pass', 'is signed');

# --- a content filter: the mail comes back to a listener without smtpd_milters
send_by('filtered', 'x@sign.example', "$head\nfiltered\n");
my $filtered = arrived();
is(scalar(my @twice = fields($filtered, 'DKIM-Signature')), 2, 'through a content filter: each key signs once');
is(verdict($filtered), 'pass pass', 'and both are good behind it');
is(scalar(grep { /\bby mx\.sign\.example\b/ } fields($filtered, 'Received')), 2, 'and it went round');

# --- what the receiver thinks of what was altered, and replayed with other words
my ($good) = map { $_->{message} } grep { verdict($_) eq 'pass pass' } $far->mails($mails);
my @lines = split /(?<=\n)(?![ \t])/, ($good =~ /\A(.*?\r\n)\r\n/s)[0];
my $plain = join '', grep { /^(?:DKIM-Signature|From|To|Subject|Date|Message-ID):/i } @lines;
for my $row (['again', "$plain\r\nbody\r\n", 'pass pass'], ['another body', "$plain\r\nBody\r\n", 'fail fail'],
    ['another subject', $plain =~ s/^Subject: s/Subject: t/mr . "\r\nbody\r\n", 'fail fail'],
    ['one more From', "From: boss\@bank.example\r\n$plain\r\nbody\r\n", 'fail fail'],
    ['one more subject', "Subject: t\r\n$plain\r\nbody\r\n", 'fail fail']) {
    my ($name, $message, $want) = @$row;
    my $said = Tamis::Smtp->play(port => $far->port, message => $message =~ s/\r//gr, mail => '<x@else.example>', rcpt => ['<u@far.example>']);
    like($said->{reply}, qr/^250 /, "$name: taken");
    is(verdict(arrived()), $want, "$name: $want");
}
is($_->stop, 0, 'tamis ends well') for $signer, $verifier;
unlike($signer->stderr . $verifier->stderr, qr/Sanitizer|runtime error/, 'no sanitizer spoke');
done_testing;
