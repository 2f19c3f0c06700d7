#!/usr/bin/perl
# 5-report - the reports of sql/: by tamis report in every shape, and unchanged by the sqlite3 shell
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Tamis::Session;
use Test::More;

alarm 240;
# What happens while the hour changes is counted in another one than the rows below: once more then.
if (!$ENV{TAMIS_REPORT_AGAIN}) {
    local $ENV{TAMIS_REPORT_AGAIN} = 1;
    my ($hour, $out, $status);
    do {
        $hour = int(time / 3600);
        $out = qx("$^X" "$0");
        $status = $? >> 8 || $?;
    } while (int(time / 3600) != $hour);
    print $out;
    exit $status;
}
grep { -x "$_/sqlite3" } split /:/, $ENV{PATH} or plan skip_all => 'no sqlite3';

my $dir = workdir();
my $log = "$dir/log.db";
my $top = $ENV{srcdir} // '.';

sub slurp { open my $in, '<', $_[0] or die "$_[0]: $!"; local $/; return scalar <$in> }

sub sqlite {
    my ($file, $input, @options) = @_;
    my $in = write_file('sql', $input);
    my $out = qx(sqlite3 -bail @options '$file' < '$in' 2>&1);
    die "sqlite3: $out" if $?;
    return $out;
}

sub report { return run_tamis('', 'report', '--file', $log, @_) }

# Rows of a table, columns by tabs; times as -.
sub rows {
    my ($name, $number, @args) = @_;
    my ($out, $err, $status) = report($name, '--json', @args);
    is($status, 0, "$name: status") or diag $err;
    my ($table) = (decode_json($out)->{tables}[$number]);
    my ($columns) = (split /\n/, (split /\n\n/, (report($name, '--csv', @args))[0])[$number])[0];
    return [map { my $row = $_; join "\t", map { my $v = $row->{$_} // 'NULL';
        $v =~ s/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/-/r } split /,/, $columns } @$table];
}

# Hours are counted from 2020; ids, too. Every time lies in the midst of an hour that is over.
my $hour = int((time - 1577836800) / 3600) - 2;
sub id { my ($ago, $n) = @_; return ((($hour - $ago) * 3600000 + 1800000) << 22) + $n }
my $week = $hour - 150;
my ($start, $change) = map { 1577836800000 + ($hour - $_) * 3600000 } 150, 20;

my @mail = (
    # id, direction, client, login, sender, verdict, queue id, policy; recipient
    [id(100, 1), 1, 2, 1, 2, 1, 'A1', 1, 1], [id(99, 2), 0, 1, 'NULL', 1, 2, undef, 1, 2],
    [id(5, 3), 0, 1, 'NULL', 1, 1, 'A3', 2, 2], [id(4, 4), 0, 1, 'NULL', 3, 3, undef, 2, 2],
    [id(3, 5), 1, 2, 1, 2, 1, 'A5', 2, 1], [id(3, 6), 1, 2, 'NULL', 2, 1, 'A6', 2, 3],
    [id(2, 7), 0, 1, 'NULL', 4, 4, undef, 2, 2], [id(1, 8), 0, 1, 'NULL', 4, 1, 'A8', 2, 2],
);
my $mails = join ",\n", map { my @m = @$_; "($m[0], $m[1], $m[2], $m[3], $m[4], $m[5], 1000, 0, "
    . (defined $m[6] ? "'$m[6]'" : 'NULL') . ", $m[7])" } @mail;
my $recipients = join ', ', map { "($_->[0], 1, $_->[8], $_->[5])" } @mail;

sqlite($log, slurp("$top/sql/schema.sql") . <<"END");
INSERT INTO generation VALUES (1, 0);
INSERT INTO address VALUES (1, 1, 'friend\@far.example'), (2, 1, 'user\@here.example'),
    (3, 1, 'spam\@Bad.example'), (4, 1, 'slow\@grey.example');
INSERT INTO name VALUES (1, 1, 'user');
INSERT INTO client VALUES (1, 1, '192.0.2.7', 'mail.far.example'), (2, 1, '198.51.100.1', 'unknown');
INSERT INTO rule VALUES (1, 1, 'rules/sender', 2, 'far.example REJECT'), (2, 1, 'rules/client', 3, '=x, "y" <b> REJECT');
INSERT INTO verdict VALUES (1, 1, 'accept', 'END-OF-MESSAGE', 1, NULL, NULL, NULL, NULL),
    (2, 1, 'reject', 'RCPT', 1, 554, '5.7.1', '<' || char(5) || '>: Sender address rejected', 1),
    (3, 1, 'reject', 'RCPT', 0, 554, '5.7.1', 'Client host rejected', 2),
    (4, 1, 'tempfail', 'RCPT', 1, 450, '4.7.1', 'later', NULL);
INSERT INTO mail (id, direction, client, login, sender, verdict, us, held, queue_id, policy) VALUES
$mails;
INSERT INTO mail_recipient VALUES $recipients;
INSERT INTO step VALUES (1, 1, 'reject_unknown_sender_domain', NULL, NULL, 'dunno', NULL);
INSERT INTO mail_check VALUES (@{[ id(4, 4) ]}, '[[1,1,500],[1,1,700]]');
INSERT INTO asked VALUES (1, 1, 'dns MX far.example', 'temperror', 'timeout'), (2, 1, 'rbl z.example 192.0.2.7', 'none', '');
INSERT INTO mail_question VALUES (@{[ id(4, 4) ]}, '[[1,5000000],[2,900]]', NULL);
INSERT INTO dkim (id, used, domain, signed) VALUES (1, 1, 'here.example', 1), (2, 1, 'far.example', 0);
INSERT INTO mail_question VALUES (@{[ id(3, 5) ]}, NULL, '[2,1]'), (@{[ id(3, 6) ]}, NULL, '[2]');
INSERT INTO mail_evidence VALUES (@{[ id(3, 6) ]}, '{"headers":[["From"," U <user\@News.example>\\r\\n"]]}');
INSERT INTO ruleset VALUES (1, 'h1', '1'), (2, 'h2', '1');
INSERT INTO ruleset_load VALUES (1, 1, $start, 'start'), (2, 2, $change, 'SIGUSR1');
INSERT INTO ruleset_rule VALUES (1, 'rules/sender', 2, 'far.example REJECT', $start), (2, 'rules/helo', 9, 'x REJECT', $change),
    (3, 'rules/helo', 9, 'x REJECT', $change); -- of the other direction
INSERT INTO hour_mail SELECT $week + value, 0, 'accept', 1, 'END-OF-MESSAGE', 0, 4, 5 FROM json_each('[0,24,48,72,96,120]');
INSERT INTO hour_mail VALUES ($hour, 0, 'accept', 1, 'END-OF-MESSAGE', 0, 5, 6), ($hour, 0, 'reject', 1, 'RCPT', 554, 90, 91),
    ($hour, 1, 'accept', 1, 'END-OF-MESSAGE', 0, 7, 7);
INSERT INTO hour_rule VALUES ($hour, 1, 'reject', 90), ($hour, 2, 'warn:reject', 3), ($week, 1, 'reject', 12);
INSERT INTO hour_latency VALUES ($hour, 'message', 10, 90), ($hour, 'message', 12, 8), ($hour, 'message', 15, 2), ($hour, 'dns', 8, 1);
INSERT INTO hour_auth VALUES ($hour, 0, 'spf', 'far.example', 'pass', 3), ($hour, 0, 'spf', 'far.example', 'fail', 1), ($hour, 1, 'dkim', '', 'temperror', 2);
INSERT INTO hour_login VALUES ($hour, 'user', 7, 9, 1), ($week + 48, 'user', 14, 15, 0);
INSERT INTO hour_reject VALUES ($hour, 'sender_domain', 'far.example', 60), ($hour, 'client_net', '192.0.2.0/24', 60), ($week, 'sender_domain', 'far.example', 30);
END

my $far = 'friend@far.example';
is_deeply(rows('daily', 0), ['incoming mail, reject: 90, usually 0 a day', 'refused 192.0.2.0/24: 60, usually 0 a day',
    'rule rules/sender:2, reject: 90, usually 2 a day', 'refused far.example: 60, usually 6 a day'], 'daily: first what is unusual');
is_deeply(rows('daily', 1), ["incoming, accept\t5\t4\t6", "incoming, reject\t90\t0\t91", "outgoing, accept\t7\t0\t7"], 'then today');
is_deeply(rows('rejects-today', 0), ["client_net\t60\t0\tNULL\t192.0.2.0/24", "rule\t90\t2.2\t40.3\trules/sender:2",
    "sender_domain\t60\t5.6\t10.8\tfar.example"], 'rejects-today');
is_deeply(rows('rejects-by-rule', 0), ["1\ttempfail\tNULL\tlater", "1\treject\trules/client:3\tClient host rejected",
    "1\treject\trules/sender:2\t<$far>: Sender address rejected"], 'rejects-by-rule') ;
is_deeply(rows('rejects-by-rule', 0, '--since', '24h'), ["1\ttempfail\tNULL\tlater", "1\treject\trules/client:3\tClient host rejected"], '--since');
is_deeply(rows('rejects-by-sender-domain', 0), ["bad.example\t1\t1\t100", "far.example\t1\t2\t50", "grey.example\t1\t2\t50"], 'by sender domain');
is_deeply(rows('rejects-by-client', 0), ["mail.far.example[192.0.2.7]\t3\t5\t-"], 'by client');
is_deeply(rows('auth-rates', 0), ["incoming\tspf\t4\t75\t25\t0\tfar.example", "outgoing\tdkim\t2\t0\t0\t2\tNULL"], 'auth-rates');
is_deeply(rows('false-positives', 0), ["1\t2\t$far\tuser\@here.example\treject\t554\trules/sender:2\t-",
    "1\t1\tspam\@Bad.example\tuser\@here.example\twould-reject\t554\trules/client:3\t-"], 'false-positives: refused, though we write there');
is_deeply(rows('false-positives', 1), ["$far\tuser\@here.example\trules/sender:2\t-\t-"], 'and allowed after a change');
is_deeply(rows('greylist', 0), ["1\t1\t0\t0\t3600\t3600"], 'greylist');
is_deeply(rows('logins', 0), ["user\t7\t2.6\t2.7\t9\t0\t1\t1"], 'logins');
is_deeply(rows('rules', 0), ["102\treject\trules/sender:2\tfar.example REJECT\t-", "3\twarn:reject\trules/client:3\t=x, \"y\" <b> REJECT\t-"], 'rules: hits');
is_deeply(rows('rules', 1), ["rules/helo:9\tx REJECT\t-"], 'never fired');
is_deeply(rows('rules', 2), ["reject_unknown_sender_domain\t2\t600\t700"], 'slow');
is_deeply(rows('latency', 0), ["message\t100\t1.024\t4.096\t32.768\t32.768", "dns\t1\t0.256\t0.256\t0.256\t0.256"], 'latency');
is_deeply(rows('latency', 1), ["dns\t1\t1\t100\t5000", "rbl\t1\t0\t0\t0.9"], 'no answer');
is_deeply(rows('changes', 0), ["-\tNULL\t2\tSIGUSR1\t0\t88.2", "-\t-\t1\tstart\tNULL\t0"], 'changes');
is_deeply(rows('changes', 1), ["-\trules/helo:9\tx REJECT"], 'new rules');
is_deeply(rows('would', 0), ["1\treject\trules/client:3\t=x, \"y\" <b> REJECT\t1\t1\t@{[ id(4, 4) ]}"], 'would');
is_deeply(rows('unsigned_outgoing', 0), ["unknown[198.51.100.1]\tnews.example\t1\t-", "user\t(here.example)\t1\t-"], 'unsigned_outgoing');
is(scalar @{ rows('volume-by-hour', 0) }, 2, 'volume-by-hour');
is_deeply(rows('why', 1), ["recipient 1\tuser\@here.example\taccept\tNULL\tNULL\tNULL\tNULL"], 'why');

# --- shapes

my ($text, $err, $status) = report('rules');
like($text, qr/^hits                       result       rule            text                last\n 102 #{20}  reject       rules\/sender:2  far\.example REJECT  /,
    'a table with bars');
like($text, qr/^   3 #{1} +warn:reject  rules\/client:3  =x, "y" <b> REJECT/m, 'something is more than nothing');
like((report('rules', '--csv'))[0], qr/^3,warn:reject,rules\/client:3,"'=x, ""y"" <b> REJECT",/m, 'CSV: quoted, and no formula');
my ($html) = report('rules', '--html', '-');
like($html, qr{<td>=x, &quot;y&quot; &lt;b&gt; REJECT</td>}, 'HTML: markup is text');
unlike($html, qr/<b>/, 'always');
($text, $err, $status) = report('rules', '--html', "$dir/page.html");
is("$text$err$status", '0', 'to a file');
is(slurp("$dir/page.html"), $html, 'the same');

# --- names, and how it ends

my ($list) = run_tamis('', 'report');
my @names = $list =~ /^(\S+) /mg;
is_deeply(\@names, [sort { $a cmp $b } map { m{([^/]+)\.sql$} } grep { !m{/(?:schema|migrate-\d+)\.sql$} } glob "$top/sql/*.sql"],
    'all of sql/ are listed');
like($list, qr/^would +what mode = observe would have refused, by rule, in the last 7 days$/m, 'with what they show');
is((report('volume_by_hour', '--csv'))[0], (report('volume-by-hour', '--csv'))[0], '_ or -');
write_file('own.sql', "-- own - mine\nSELECT 1 AS one;\n");
is((report("$dir/own.sql"))[0], "one\n  1\n", 'one of your own');
is((report('nosuch'))[2], 64, 'no such report');
is((report('rules', '--since', 'yore'))[2], 64, 'no such time');
is((report('rules', '--json', '--csv'))[2], 64, 'two shapes');
is((run_tamis('', 'report', '--file', "$dir/none.db", 'rules'))[2], 66, 'no log');
write_file('bad.sql', "SELECT nothing FROM nowhere;\n");
is((report("$dir/bad.sql"))[2], 65, 'no SQL');
write_file('evil.sql', "DELETE FROM mail;\n");
isnt((report("$dir/evil.sql"))[2], 0, 'read-only');

# --- the sqlite3 shell runs the same files, and gives the same rows

for my $name (@names) {
    my $shell = sqlite($log, slurp("$top/sql/$name.sql"), '-readonly', '-csv', '-header');
    $shell =~ s/\r//g;
    (my $ours = (report("$top/sql/$name.sql", '--csv'))[0]) =~ s/\n\n/\n/g;
    # The shell quotes more, prints no names above nothing, and does not know of formulas.
    my @ours = grep { length } split /\n/, $ours =~ s/["']//gr;
    my %shell = map { $_ => 1 } split /\n/, $shell =~ s/["']//gr;
    my @missing = grep { !$shell{$_} && !/^[a-z_,0-9]+$/ } @ours;
    is_deeply(\@missing, [], "sqlite3 < sql/$name.sql");
}

# --- put off more than once

my @grey = (id(0.5, 20), id(0.4, 21));
sqlite($log, <<"END");
INSERT INTO mail (id, direction, client, login, sender, verdict, us, held, queue_id, policy) VALUES
    ($grey[0], 0, 1, NULL, 3, 4, 1000, 0, NULL, 2), ($grey[1], 0, 1, NULL, 3, 4, 1000, 0, NULL, 2);
INSERT INTO mail_recipient VALUES ($grey[0], 1, 1, 4), ($grey[1], 1, 3, 4);
END
is_deeply(rows('greylist', 0), ["3\t1\t2\t66.7\t3600\t3600"], 'greylist: two never came back');
is_deeply(rows('greylist', 1), ["192.0.2.7\t3\t1\t2\t3600"], 'and who is put off again and again');
done_testing;
