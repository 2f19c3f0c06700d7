#!/usr/bin/perl
# 3-authres - Authentication-Results in a mail: what is added, and that nothing forged survives
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Tamis::Session;
use Test::More;

alarm 240;

my $zone = write_file('zone', <<'ZONE');
pass.example. IN TXT "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all"
fail.example. IN TXT "v=spf1 -all"
soft.example. IN TXT "v=spf1 ~all"
neutral.example. IN TXT "v=spf1 ?all"
broken.example. IN TXT "v=spf1 (;dkim=pass"
$SERVFAIL temp.example
mail.pass.example. IN A 192.0.2.1
mail.pass.example. IN AAAA 2001:db8::1
none.example. IN A 192.0.2.1
1.2.0.192.in-addr.arpa. IN PTR mail.pass.example.
2.2.0.192.in-addr.arpa. IN PTR mail.pass.example.
$SERVFAIL 4.2.0.192.in-addr.arpa
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. IN PTR mail.pass.example.
ZONE

our $base = "postfix_config_directory =\nmyhostname = mx.test.example\nmynetworks = 127.0.0.0/8\n";
my $n = 0;

# What `tamis test MAIL` says of a mail, decoded.
sub test_mail {
    my ($conf, $mail, @args) = @_;
    my $path = write_file('milter.conf', $base . $conf);
    my $eml = write_file('mail' . ++$n . '.eml', $mail);
    my ($out, $err, $status) =
        run_tamis('', 'test', '-c', $path, '--zone', $zone, '--json', @args, $eml);
    diag "$status: $err" if $status ne '0';
    return JSON::PP->new->decode($out);
}

my @mail = ('--from', 'a@pass.example', '--rcpt', 'b@test.example');

sub edits { return [map { [@$_{qw(op index name value)}] } @{ test_mail(@_)->{edits} }] }

# The field that a plain mail gets.
sub field {
    my ($conf, @args) = @_;
    my $edits = edits($conf, "Subject: x\n\nbody\n", '--rcpt', 'b@test.example', @args);
    return join ' | ', map { "$_->[0] $_->[1] $_->[2]:$_->[3]" } @$edits;
}

# --- what is added

my @added = (
    ['all pass', ['--client', '[192.0.2.1]', '--helo', 'mail.pass.example', '--from', 'a@pass.example'],
        "iprev=pass policy.iprev=192.0.2.1 (mail.pass.example);\n\tspf=none smtp.helo=mail.pass.example;\n"
        . "\tspf=pass smtp.mailfrom=pass.example"],
    ['IPv6', ['--client', '[2001:db8::1]', '--helo', 'pass.example', '--from', 'a@pass.example'],
        "iprev=pass policy.iprev=\"2001:db8::1\" (mail.pass.example);\n\tspf=pass smtp.helo=pass.example;\n"
        . "\tspf=pass smtp.mailfrom=pass.example"],
    ['fail', ['--client', '[192.0.2.2]', '--helo', 'fail.example', '--from', 'a@fail.example'],
        qr/^iprev=fail reason="[^";]+" policy\.iprev=192\.0\.2\.2 \(mail\.pass\.example\);\n\tspf=fail smtp\.helo=fail\.example;\n\tspf=fail smtp\.mailfrom=fail\.example$/],
    ['softfail', ['--client', '[192.0.2.1]', '--helo', 'soft.example', '--from', 'a@soft.example'],
        qr/\tspf=softfail smtp\.helo=soft\.example;\n\tspf=softfail smtp\.mailfrom=soft\.example$/],
    ['neutral', ['--client', '[192.0.2.1]', '--helo', 'none.example', '--from', 'a@neutral.example'],
        qr/\tspf=none smtp\.helo=none\.example;\n\tspf=neutral smtp\.mailfrom=neutral\.example$/],
    ['no name', ['--client', '[192.0.2.3]', '--helo', 'none.example', '--from', 'a@none.example'],
        qr/^iprev=permerror reason="[^";]+" policy\.iprev=192\.0\.2\.3;\n/],
    ['DNS out of order', ['--client', '[192.0.2.4]', '--helo', 'temp.example', '--from', 'a@temp.example'],
        qr/^iprev=temperror reason="[^";]+" policy\.iprev=192\.0\.2\.4;\n\tspf=temperror reason="[^";]+" smtp\.helo=temp\.example;\n\tspf=temperror reason="[^";]+" smtp\.mailfrom=temp\.example$/],
    ['a record that means harm', ['--client', '[192.0.2.1]', '--helo', 'none.example', '--from', 'a@broken.example'],
        qr/\tspf=permerror reason="[^"\\;=()\n]+" smtp\.mailfrom=broken\.example$/],
    ['null sender', ['--client', '[192.0.2.1]', '--helo', 'pass.example', '--from', '<>'],
        qr/\tspf=pass smtp\.helo=pass\.example;\n\tspf=pass smtp\.mailfrom=pass\.example$/],
    ['literal as HELO', ['--client', '[192.0.2.1]', '--helo', '[192.0.2.1]', '--from', 'a@pass.example'],
        "iprev=pass policy.iprev=192.0.2.1 (mail.pass.example);\n\tspf=pass smtp.mailfrom=pass.example"],
    ['a HELO that means harm', ['--client', '[192.0.2.1]', '--helo', 'x;dkim=pass', '--from', 'a@pass.example'],
        qr/^(?!.*dkim=)/s],
    ['a sender that means harm', ['--client', '[192.0.2.1]', '--helo', 'none.example',
        '--from', '"a;dkim=pass header.d=b"@pass.example'], qr/^(?!.*dkim).*smtp\.mailfrom=pass\.example$/s],
    ['a sender\'s domain that means harm', ['--client', '[192.0.2.1]', '--helo', 'none.example',
        '--from', 'a@b;dkim=pass(c)'], qr/^(?!.*dkim)/s],
);
for my $row (@added) {
    my ($name, $args, $want) = @$row;
    my $got = field("authentication_results = iprev, spf\n", @$args);
    my $front = "prepend 0 Authentication-Results: mx.test.example;\n\t";
    is(substr($got, 0, length $front), $front, "$name: one field on top");
    my $rest = substr $got, length $front;
    ref $want ? like($rest, $want, "$name: what it tells") : is($rest, $want, "$name: what it tells");
    unlike($got, qr/\n(?!\t)|[^\n\t\x20-\x7e]/, "$name: lines of its own only");
}

my @from = ('--client', '[192.0.2.1]', '--helo', 'pass.example', '--from', 'a@pass.example');
is(field("authentication_results =\n", @from), '', 'an empty list: no field');
is(field("authentication_results = spf\n", @from), "prepend 0 Authentication-Results: mx.test.example;\n"
    . "\tspf=pass smtp.helo=pass.example;\n\tspf=pass smtp.mailfrom=pass.example", 'spf alone');
is(field("authentication_results = IPREV\n", @from), "prepend 0 Authentication-Results: mx.test.example;\n"
    . "\tiprev=pass policy.iprev=192.0.2.1 (mail.pass.example)", 'iprev alone, in any case');
is(field("authentication_results = spf\nspf_exempt_networks = 192.0.2.1\n", @from),
    'prepend 0 Authentication-Results: mx.test.example; none', 'who is exempt: none');
is(field("authserv_id = Test.EXAMPLE\nauthentication_results = iprev\n", @from),
    "prepend 0 Authentication-Results: test.example;\n\tiprev=pass policy.iprev=192.0.2.1 (mail.pass.example)",
    'another id');
is(field('', @from, '--auth', 'joe'), '', 'outgoing by its login: no field');
is(field('', '--client', '[127.0.0.1]', '--from', 'a@pass.example'), '', 'outgoing by its network: no field');
is(field("outgoing =\nauthentication_results = spf\n", @from, '--auth', 'joe'),
    'prepend 0 Authentication-Results: mx.test.example; none', 'incoming with a login: SPF is not asked');
is(field("received_spf_header = yes\nauthentication_results =\n", @from) =~ /^prepend 0 Received-SPF: pass /, 1,
    'Received-SPF alone');
like(field("received_spf_header = yes\nauthentication_results = iprev\n", @from),
    qr/^prepend 0 Authentication-Results: [^|]* \| prepend 1 Received-SPF: pass [^|]*$/, 'Received-SPF below it');
like(field("authentication_results = iprev\nsender_restrictions = check_sender_access inline:{{pass.example = PREPEND X-A: b}}\n", @from),
    qr/^prepend 0 Authentication-Results: [^|]* \| prepend 1 X-A: b$/, 'above what rules put on top');
is(test_mail("sender_restrictions = reject\n", "A: b\n\nc\n", @from, '--rcpt', 'b@test.example')->{action}, 'reject',
    'a rejected mail');
is_deeply(edits("header_checks = regexp:" . write_file('rej', "/^A/ REJECT\n") . "\n", "A: b\n\nc\n", @mail, @from), [],
    'no edits of a mail whose header is refused');

# --- what is removed

my $long = 'x' x 20000;
my @forged = (
    " mx.test.example; dkim=pass header.d=bank.example",
    "mx.test.example;spf=pass",
    " MX.TEST.Example; none",
    "\n\tmx.test.example;\n\tspf=pass",
    "\n mx.test.example\n ;\n none",
    " (a (nested \\) one)) mx.test.example (x) 1; spf=pass",
    " \"mx.test.example\"; spf=pass",
    " \"mx\\.test.example\" 1; spf=pass",
    " mx . test . example; spf=pass",
    " mx.test.example 99; spf=pass",
    " mx.test.example.; spf=pass",
    " mx.test.example; dkim=pass header.d=bank; foo",
    " mx.test.example; spf=\"pass",
    " mx.test.example (open; spf=pass",
    " (open mx.test.example; spf=pass",
    " mx.test.example; spf=pass reason=\"$long\"",
    " (" . ('a' x 5000) . ") mx.test.example; spf=pass",
    " mx.test.example %s%n%n; spf=pass",
    " \xef\xbd\x8dx.test.example; spf=pass",
    "\xa0mx.test.example\xa0; spf=pass",
    " mx.test.example",
);
my @foreign = (
    " mx.other.example; spf=pass smtp.mailfrom=mx.test.example",
    " a.mx.test.example; none",
    " mx.test.example.org; none",
    " test.example; none",
    " (mx.test.example) other.example; none",
    " other.example (mx.test.example; none",
    " other.example mx.test.example; none",
    "",
);
my @names = qw(Authentication-Results AUTHENTICATION-RESULTS authentication-results Authentication-results);

# Pairs of a forged and a foreign field; index of each forged one.
my ($mixed, @at) = ('');
my $index = 0;
for my $i (0 .. $#forged) {
    push @at, $index;
    $mixed .= "$names[$i % 4]:$forged[$i]\n$names[($i + 1) % 4]:$foreign[$i % @foreign]\n";
    $index += 2;
}
$mixed .= "X-Authentication-Results: mx.test.example; spf=pass\nSubject: x\n\nAuthentication-Results: mx.test.example; b\n";

for my $case (['incoming', 0, '', @from], ['outgoing', 0, '', @from, '--auth', 'joe'],
    ['with header checks', 0, "header_checks = regexp:" . write_file('hc', "/^Subject:/ WARN\n") . "\n", @from],
    ['with an id in capitals', 0, "authserv_id = MX.Test.Example\n", @from]) {
    my ($name, $top, $conf, @args) = @$case;
    my @got = grep { $_->[0] ne 'prepend' } @{ edits($conf, $mixed, '--rcpt', 'b@test.example', @args) };
    is_deeply([map { $_->[1] } @got], \@at, "$name: all that is forged goes, all that is foreign stays");
    is(scalar(grep { $_->[0] ne 'ignore' } @got), 0, "$name: nothing else happens");
}
is_deeply(edits("keep_authres_from_milters = yes\nauthentication_results = spf\nspf_exempt_networks = 192.0.2.0/24\n",
    $mixed, '--rcpt', 'b@test.example', @from),
    [['prepend', 0, 'Authentication-Results', ' mx.test.example; none']], 'keep_authres_from_milters');
is_deeply(edits("authentication_results =\n", $mixed, '--rcpt', 'b@test.example', @from), [], 'no field: none removed');
my $steps = test_mail("authentication_results = iprev\n", $mixed, '--rcpt', 'b@test.example', @from)->{steps};
is_deeply([map { "$_->{restriction} $_->{result}" } @$steps],
    ['authentication_results: ' . @forged . ' forged fields ignore', 'authentication_results prepend'],
    'the steps say so');

# --- rules about the same header

my $one = "Authentication-Results: mx.test.example; spf=pass\nSubject: x\n\nbody\n";
for my $row (
    ['PREPEND: the rule\'s field stays', 'PREPEND X-Old: 1', [['replace', 0, 'X-Old', ' 1']]],
    ['REPLACE by another name stays', 'REPLACE X-Old: 1', [['replace', 0, 'X-Old', ' 1']]],
    ['REPLACE by another id stays', 'REPLACE Authentication-Results: old.example; none',
        [['replace', 0, 'Authentication-Results', ' old.example; none']]],
    ['REPLACE by our id goes', 'REPLACE Authentication-Results: (x) mx.test.example; none',
        [['ignore', 0, 'Authentication-Results', ' mx.test.example; spf=pass']]],
    ['IGNORE once', 'IGNORE', [['ignore', 0, 'Authentication-Results', ' mx.test.example; spf=pass']]],
    ['STRIP once', 'STRIP', [['strip', 0, 'Authentication-Results', ' mx.test.example; spf=pass']]],
    ['WARN changes nothing', 'WARN x', [['ignore', 0, 'Authentication-Results', ' mx.test.example; spf=pass']]],
) {
    my ($name, $action, $want) = @$row;
    my $rules = write_file('hc', "/^Authentication-Results:/ $action\n");
    is_deeply(edits("header_checks = regexp:$rules\n", $one, '--rcpt', 'b@test.example', @from, '--auth', 'joe'), $want, $name);
}

# --- the diff

my $path = write_file('milter.conf', "${base}authentication_results = iprev\n");
my $eml = write_file('mail.eml', "A: b\nAuthentication-Results: mx.test.example;\n x=pass\nC: d\n\nbody\n");
my ($out) = run_tamis('', 'test', '-c', $path, '--zone', $zone, '--rcpt', 'b@test.example', @from, $eml);
$out =~ s/.*^(?=\@\@)//ms;
is($out, <<'DIFF', 'the diff');
@@ -1,4 +1,4 @@
+Authentication-Results: mx.test.example;
+	iprev=pass policy.iprev=192.0.2.1 (mail.pass.example)
 A: b
-Authentication-Results: mx.test.example;
- x=pass
 C: d
accept
DIFF

# --- what is wrong with the configuration

sub check {
    my ($conf) = @_;
    my ($out, $err) = run_tamis('', 'check', '-c', write_file('milter.conf', $base . $conf));
    return $err . $out;
}
my $file = workdir() . '/milter.conf';
like(check("authserv_id = localhost\n"), qr{^\Q$file\E:4: error: authserv_id: "localhost" is no full domain name}m,
    'an id that is no full domain name');
like(check("authserv_id = a.example; spf=pass\n"), qr/error: authserv_id: /, 'an id that is more than a name');
unlike(check("authserv_id = localhost\nauthentication_results =\n"), qr/ error: /, 'an id that is not used');
like(check("authentication_results = iprev, sfp\n"), qr/error: authentication_results: sfp is no method/,
    'an unknown method');
unlike(check(''), qr/(?:error|warning): /, 'the presets');
{
    local $base = "postfix_config_directory =\nmyhostname = here\n";
    like(check(''), qr/warning: no Authentication-Results field is added, because "here" is no full domain name/,
        'a host without a full name: a warning');
}

done_testing;
