#!/usr/bin/perl
# 4-policy-tests - scripts with expected replies are played at each load, and may refuse it
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Filter;
use Tamis::Guard qw(spew);

alarm 120;

my $conf = <<'END';
client_restrictions = reject_rbl_client zen.example, reject_unknown_sender_domain
sender_restrictions = check_sender_access texthash:senders
header_checks = regexp:heads
policy_tests = rules/*.session
END
my $script = <<'END';
# A false positive of the past.
# zone: zone
# answer: none rbl zen.example 192.0.2.7 => nxdomain
# answer: found rbl zen.example 192.0.2.8 => 127.0.0.2

client mail.x.example 192.0.2.7
# expect: 250 2.0.0 Ok
helo mail.x.example
mail <good@x.example>
rcpt <a@here.example>
# expect: 250 2.0.0 Ok
message mail.eml
# expect: 550 5.7.1 that subject
mail <bad@x.example>
rcpt <a@here.example>

#   expect:   554 5.7.1 <bad@x.example>: Sender address rejected: no
mail <s@none.example>
rcpt <a@here.example>
# expect: 450 4.1.8 <s@none.example>: Sender address rejected: Domain not found
client unknown 192.0.2.8
rcpt <a@here.example>
# expect: 554 5.7.1 Service unavailable; Client host [192.0.2.8] blocked using zen.example
set sender_restrictions
client mail.x.example 192.0.2.7
mail <bad@x.example>
rcpt <a@here.example>
# expect: 250 2.0.0 Ok
END
my $filter = Tamis::Filter->new(conf => $conf, files => {
    senders => "bad\@x.example REJECT no\n", heads => "/^Subject: pills/ REJECT that subject\n" });
my $rules = $filter->dir . '/rules';
mkdir $rules or die "$rules: $!";
spew("$rules/one.session", $script);
spew("$rules/zone", "x.example. IN MX 10 mail.x.example.\nmail.x.example. IN A 192.0.2.7\n");
spew("$rules/mail.eml", "Subject: pills\n\ntext\n");
my @places = map { "$rules/one.session:$_" } 0 .. 40;

# Without problems
my ($status, $out, $err) = $filter->command('check', '--no-dns');
is $status, 0, 'check: the tests pass' or diag "$out$err";
unlike "$out$err", qr/reject:/, 'quietly';
($status, $out, $err) = $filter->command('test', '--zone', "$rules/zone", '--session', "$rules/one.session");
is $status, 0, 'tamis test reads the same script';
is scalar(split /\n/, $out), 15, 'a line each command';

# The running filter
$filter->start;
is +($filter->command('reload'))[0], 0, 'reload: taken';
spew($filter->dir . '/senders', "bad\@x.example REJECT never\n");
($status, $out, $err) = $filter->command('reload');
is $status, 78, 'reload: refused';
is "$out$err" =~ /^(\S+: error: .*)$/m ? $1 : '', "$places[17]: error: policy_tests: \"rcpt <a\@here.example>\" is "
    . 'answered with "554 5.7.1 <bad@x.example>: Sender address rejected: never", not with '
    . '"554 5.7.1 <bad@x.example>: Sender address rejected: no"', 'the place, the reply, the expected one';
ok $filter->wait_stderr(qr/reload refused .*policy_tests/), 'the log says so';
spew($filter->dir . '/senders', "bad\@x.example REJECT no\n");
is +($filter->command('reload'))[0], 0, 'mended';
is $filter->stop, 0, 'ends';

# What is wrong with scripts
sub errors {
    my ($text) = @_;
    spew("$rules/one.session", $text);
    my ($code, $printed, $more) = $filter->command('check', '--no-dns');
    return join "\n", map { s{^\Q$rules\E/}{}r } grep { /: error: / } split /\n/, "$printed$more";
}
is errors("# expect: 250 2.0.0 Ok\nclient x 192.0.2.1\n"),
    'one.session:1: error: policy_tests: expect: stands below the command that it is about', 'expect without a command';
is errors("# answer: maybe rbl x 192.0.2.1 => y\n"), 'one.session:1: error: policy_tests: an answer is written as: '
    . 'found|none|temperror QUESTION => ANSWER', 'no answer';
is errors("client x 192.0.2.1\nhelo h\nmail <good\@x.example>\nrcpt <a\@here.example>\n# expect: 250 2.0.0 Ok\n"
        =~ s/^/# zone: zone\n/r =~ s/zone: zone/answer: none dns MX x => nodata/r),
    "one.session:6: error: policy_tests: neither a zone nor an answer of the script tells: rbl zen.example 192.0.2.1\n"
    . 'one.session:6: error: policy_tests: "rcpt <a@here.example>" is answered with "450 4.1.8 <good@x.example>: '
    . 'Sender address rejected: Domain not found", not with "250 2.0.0 Ok"', 'a question that nobody answers';
is errors("nonsense\n# expect: 250 2.0.0 Ok\n"), 'one.session:2: error: policy_tests: "nonsense" is answered with '
    . '"error: unknown command (client, macro, auth, helo, mail, rcpt, data, message, reset, set)", not with '
    . '"250 2.0.0 Ok"', 'no command';
spew("$rules/one.session", "# zone: none\n");
($status, $out, $err) = $filter->command('check', '--no-dns');
is $status, 78, 'no zone: unusable';
like "$out$err", qr{rules/none: no such file}, 'no zone: told';
unlink "$rules/one.session";
is +($filter->command('check', '--no-dns'))[0], 0, 'no test yet';
is +($filter->command('check', '--no-dns', '-o', 'policy_tests=rules/two.session'))[0], 78, 'a test that is missing';

done_testing;
