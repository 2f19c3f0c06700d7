#!/usr/bin/perl
# 8-replay - varied mail, logged and judged again: the same rules change nothing, one rule what it should
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use JSON::PP;
use Tamis::Guard qw(run_command spew temp_dir);

alarm($ENV{LONG} ? 900 : 300);

my $count = $ENV{LONG} ? 10000 : 1000;
my $dir = temp_dir();
my $RULES = <<'END';
postfix_config_directory =
mynetworks = 192.0.2.1/32
mydestination = here.example
evidence_headers = From, Subject, Content-Type
authentication_results =
client_restrictions = permit_mynetworks, check_client_access cidr:clients, reject_rbl_client zen.example
helo_restrictions = reject_invalid_helo_hostname, warn_if_reject reject_non_fqdn_helo_hostname
sender_restrictions = reject_unknown_sender_domain, check_sender_access texthash:senders
relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
recipient_restrictions = check_recipient_access inline:{ {r7@here.example = DEFER busy},
    {r8@here.example = DISCARD}, {r9@here.example = HOLD}, {r11@here.example = PREPEND X-Eleven: (äöü) yes}, {r10@here.example = DEFER_IF_PERMIT not yet} }
data_restrictions = check_recipient_access inline:{ {r99@here.example = REJECT at DATA} }, check_client_access inline:{ {192.0.2.17 = REJECT} }
end_of_data_restrictions = check_sender_access inline:{ {s22.example = REJECT at the end} }
header_checks = regexp:heads
mime_header_checks = regexp:mimes
body_checks = regexp:bodies
END
spew("$dir/clients", "192.0.2.9 REJECT gone\n192.0.2.10/31 DEFER later\n");
spew("$dir/senders", join '', map { "u$_\@s1$_.example REJECT no $_\n" } 1 .. 8);
spew("$dir/heads", "/^Subject: buy/ REJECT no ads\n/^Subject: bad/ DISCARD\n/^Subject: (hello)/ PREPEND X-Greets: \$1\n");
spew("$dir/mimes", "/^X-Nothing: like it/ REJECT\n");
spew("$dir/bodies", "/^nothing like it/ REJECT\n");
spew("$dir/zone", join('', map { ($_ % 9 ? "s$_.example. IN MX 10 mail.s$_.example.\n" : ''),
    "mail.s$_.example. IN A 192.0.2.$_\n", $_ % 5 ? '' : "$_.2.0.192.zen.example. IN A 127.0.0.2\n" } 0 .. 199)
    . "\$SERVFAIL s33.example MX\n");

sub rules { my ($name, $text) = @_; spew("$dir/$name", $text); return "$dir/$name" }

sub played {
    my ($conf) = @_;
    my $log = "$conf.db";
    my ($status, $out, $err) = run_command(["$ENV{builddir}/t/lib/play_log", $conf, $log, $count, "$dir/zone"]);
    is $status, 0, "$conf: played" or diag "$out$err";
    return $log;
}

sub sql {
    my ($log, $query) = @_;
    my ($status, $out, $err) = run_command(['sqlite3', '-readonly', $log, $query]);
    die "sqlite3: $err" if $status;
    chomp $out;
    return $out;
}

sub replay {
    my ($log, $conf, @args) = @_;
    my ($status, $out, $err) = run_command([$ENV{TAMIS}, 'replay', '-c', $conf, '--file', $log, '--since', 'all',
        '--json', @args]);
    my $r = eval { JSON::PP->new->decode($out) } || die "$out$err";
    return ($status, $r);
}

for my $mode ('enforce', 'observe') {
    my $name = "mode = $mode";
    my $conf = rules("$mode.conf", "$name\n$RULES");
    my $log = played($conf);
    my $recipients = sql($log, 'SELECT count(*) FROM decision AS d LEFT JOIN recipient AS r ON r.id = d.id');
    is sql($log, 'SELECT count(*) FROM decision'), $count, "$name: a row each";
    cmp_ok sql($log, 'SELECT count(DISTINCT rule_text) FROM decision'), '>', 10, "$name: varied";

    my ($status, $r) = replay($log, $conf);
    is $status, 0, "$name: the same rules change nothing";
    is "@$r{qw(messages recipients same changed unknown)}", "$count $recipients $recipients 0 0", "$name: 100 %"
        or diag explain $r;
    is_deeply $r->{rules}, [], "$name: no rule differs";
    is_deeply [$r->{edited}, $r->{edits}], [0, []], "$name: nothing else is done to mail";

    # What is done to mail besides.
    my $accepted = "EXISTS (SELECT 1 FROM decision AS d WHERE d.id = e.id AND d.action = 'accept')";
    my $held = sql($log, "SELECT count(*) FROM header_edit AS e JOIN recipient AS r ON r.id = e.id AND r.action = 'accept'"
        . " WHERE e.op = 'hold' AND $accepted");
    cmp_ok $held, '>', 2, "$name: some are held";
    ($status, $r) = replay($log, rules("$mode-free.conf", "$name\n$RULES" =~ s/ \{r9\@here.example = HOLD\},//r));
    is "@$r{qw(changed unknown)}", "$held 0", "$name: a hold that goes changes those that were held";
    is join(' ', map { "$_->{was} $_->{now} $_->{fate}: $_->{rule}{text}" } @{ $r->{changes} }),
        'accept accept no longer held: r9@here.example=HOLD', "$name: and is told so";
    ($status, $r) = replay($log, rules("$mode-elsewhere.conf",
        "$name\n$RULES" =~ s/ \{r9\@here.example = HOLD\},/ {r9\@here.example = REDIRECT x\@there.example},/r));
    is "@$r{qw(changed unknown)} $r->{changes}[0]{fate}", "$held 0 redirected", "$name: and so does a redirection";
    my $eleven = sql($log, "SELECT count(*) FROM header_edit AS e WHERE field = 'X-Eleven' AND $accepted");
    ($status, $r) = replay($log, rules("$mode-twelve.conf", "$name\n$RULES" =~ s/X-Eleven/X-Twelve/r));
    is "$status @$r{qw(changed unknown edited)}", "0 0 0 $eleven", "$name: another field changes no verdict";
    is join(', ', sort map { ($_->{added} ? '+' : '-') . " $_->{op} $_->{field} $_->{messages}" } @{ $r->{edits} }),
        "+ prepend X-Twelve $eleven, - prepend X-Eleven $eleven", "$name: and is told apart";
    my $greets = sql($log, "SELECT count(*) FROM header_edit AS e WHERE field = 'X-Greets' AND $accepted");
    cmp_ok $greets, '>', 50, "$name: some are greeted by a field";
    spew("$dir/silent", "/^Subject: buy/ REJECT no ads\n/^Subject: bad/ DISCARD\n");
    ($status, $r) = replay($log, rules("$mode-silent.conf",
        "$name\n$RULES" =~ s/regexp:heads/regexp:silent/r =~ s/^body_checks.*//mr));
    is join(' ', map { ($_->{added} ? '+' : '-') . "$_->{field} $_->{messages}" } @{ $r->{edits} }), "-X-Greets $greets",
        "$name: so is that of a rule for headers that were recorded";

    # One rule more, in front of all: those whom it names, and nobody else.
    my $rule = 'check_recipient_access inline:{ {r20@here.example = REJECT more} }, ';
    my $named = sql($log, "SELECT count(*) FROM recipient AS r WHERE r.address = 'r20\@here.example' AND NOT EXISTS"
        . " (SELECT 1 FROM recipient AS d WHERE d.id = r.id AND d.n < r.n AND d.address = 'r8\@here.example'"
        . " AND d.action = 'discard')");
    cmp_ok $named, '>', 5, "$name: some are named";
    ($status, $r) = replay($log, rules("$mode-more.conf", "$name\n$RULES" =~ s/^client_restrictions = \K/$rule/mr));
    cmp_ok $status, '>', 0, "$name: one rule more changes something";
    is "@$r{qw(changed unknown)}", "$named 0", "$name: one rule more changes what it names";
    is join(' ', do { my %seen; grep { !$seen{$_}++ } map { $_->{rule}{text} } @{ $r->{changes} } }),
        'r20@here.example=REJECT more', "$name: by that rule alone";
    is_deeply [map { $_->{added} ? "+ $_->{text}" : "- $_->{text}" } @{ $r->{rules} }],
        ['+ client_restrictions: check_recipient_access inline:{ {r20@here.example = REJECT more} }',
            '+ r20@here.example REJECT more'], "$name: that rule differs";

    # What nobody asked then, by steps that decide nothing.
    ($status, $r) = replay($log, rules("$mode-warn.conf",
        "$name\n$RULES" =~ s/^client_restrictions = \K/warn_if_reject reject_rbl_client other.example, /mr
            =~ s/^helo_restrictions.*\K$/, permit_dnswl_client white.example/mr));
    is "$status @$r{qw(same changed unknown)}", "0 $recipients 0 0",
        "$name: what is asked to warn, or to permit in the end, need not be known";
    ($status, $r) = replay($log, rules("$mode-earnest.conf",
        "$name\n$RULES" =~ s/^client_restrictions = \K/warn_if_reject reject_rbl_client other.example, reject_rbl_client other.example, /mr));
    my %reasons = map { $_->{missing} => $_->{recipients} } @{ $r->{unknown_reasons} };
    is join(' ', keys %reasons), 'rbl other.example', "$name: what is asked in earnest behind that must be";
    cmp_ok $reasons{'rbl other.example'}, '>', $recipients / 2, "$name: by those who come so far";
    ($status, $r) = replay($log, rules("$mode-white.conf",
        "$name\n$RULES" =~ s/^client_restrictions = \K/warn_if_reject permit_dnswl_client white.example, /mr));
    cmp_ok $r->{unknown}, '>', $recipients / 2, "$name: a permission under warn_if_reject is none the less one";

    # A rule about a field that was recorded.
    my $hello = sql($log, 'SELECT count(*) FROM recipient AS r JOIN decision AS d ON d.id = r.id JOIN evidence AS e'
        . " ON e.id = r.id WHERE e.evidence LIKE '%[\"Subject\",\" hello\"]%' AND d.action = 'accept'"
        . " AND r.action = 'accept'");
    spew("$dir/more", "/^Subject: buy/ REJECT no ads\n/^Subject: bad/ DISCARD\n/^subject: *hello\$/ REJECT hello\n");
    cmp_ok $hello, '>', 100, "$name: some are greeted";
    ($status, $r) = replay($log, rules("$mode-hello.conf",
        "$name\n$RULES" =~ s/regexp:heads/regexp:more/r =~ s/^body_checks.*//mr));
    is "@$r{qw(changed unknown)}", "$hello 0", "$name: a rule for headers";
    spew("$dir/to", "/^(To|From): you/ REJECT\n");
    ($status, $r) = replay($log, rules("$mode-to.conf",
        "$name\n$RULES" =~ s/regexp:heads/regexp:to/r =~ s/^body_checks.*//mr));
    my ($reason) = @{ $r->{unknown_reasons} };
    is $reason->{missing}, 'header To', "$name: a field that was not recorded";

    # Names of attached files.
    my $files = sql($log, 'SELECT count(*) FROM recipient AS r JOIN decision AS d ON d.id = r.id JOIN evidence AS e'
        . " ON e.id = r.id WHERE e.evidence LIKE '%name=\\\"b.exe%' AND e.evidence LIKE '%\"parts_whole\":true%'"
        . " AND d.action = 'accept' AND r.action = 'accept'");
    cmp_ok $files, '>', 10, "$name: some have files";
    spew("$dir/files", "/name=\"[^\"]*\\.exe\"/ REJECT no programs\n");
    ($status, $r) = replay($log, rules("$mode-files.conf",
        "$name\n$RULES" =~ s/regexp:mimes/regexp:files/r =~ s/^body_checks.*//mr));
    is "@$r{qw(changed unknown)}", "$files 0", "$name: a rule for names of files";
    is join(' ', map { $_->{rule}{text} } @{ $r->{changes} }), '/name="[^"]*\.exe"/ REJECT no programs', "$name: by that rule";

    # One rule less: those whom it refused, and nobody else.
    my $refused = sql($log, "SELECT count(*) FROM recipient WHERE text LIKE '%Recipient address rejected: busy'");
    cmp_ok $refused, '>', 5, "$name: some were refused";
    ($status, $r) = replay($log, rules("$mode-less.conf", "$name\n$RULES" =~ s/busy/BUSY/r));
    is "@$r{qw(changed unknown)}", "$refused 0", "$name: another text changes what it was told";
    ($status, $r) = replay($log, rules("$mode-less.conf",
        "$name\n$RULES" =~ s/ \{r7\@here.example = DEFER busy\},//r));
    is $r->{changed} + $r->{unknown}, $refused, "$name: one rule less changes what it refused";
}

done_testing;
