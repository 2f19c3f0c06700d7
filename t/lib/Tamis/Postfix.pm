# Tamis::Postfix - a private Postfix: own configuration, queue, ports, log; nothing of the system's
# SPDX-License-Identifier: BSD-2-Clause
package Tamis::Postfix;

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP;
use POSIX qw(:sys_wait_h);
use Tamis::Guard qw(at_end not_at_end free_port run_command slurp spawn spew stop_process temp_dir
    wait_until);
use Tamis::Programs qw(postfix_accounts postfix_missing postfix_programs);
use Tamis::Sink;

our @EXPORT_OK = qw(postfix_missing);

# Writes the configuration; start() starts. Options:
#   milters    smtpd_milters and non_smtpd_milters
#   params     hash of main.cf parameters, over the presets below
#   smtp, submission   hash of parameters for that listener alone (master.cf's -o)
#   listeners  hash: name of a further smtpd listener => hash of its parameters
#   ipv6       true: listens on ::1 too, and XCLIENT may play IPv6 clients
#   master     text to append to master.cf
# The presets deliver every recipient to a Tamis::Sink, allow relaying (to there), let 127.0.0.1
# play any client by XCLIENT, ask no DNS, and never delay a reply.
sub new {
    my ($class, %opt) = @_;
    my $dir = temp_dir();
    my $self = bless {
        dir => $dir, opt => \%opt, programs => postfix_programs(), mark => 0,
    }, $class;
    die "no Postfix here\n" if !$self->{programs};
    my @names = ('smtp', 'submission', sort keys %{ $opt{listeners} || {} });

    $self->{ports}{$_} = free_port() for @names;
    $self->{sink} = Tamis::Sink->new;
    @$self{qw(mail_owner setgid_group default_privs)} = postfix_accounts();
    mkdir "$dir/$_" or die "$dir/$_: $!\n" for qw(etc bin queue data log);
    $self->make_queue;
    $self->write_programs;
    $self->write_config;
    return $self;
}

sub config_directory { "$_[0]{dir}/etc" }
sub queue_directory  { "$_[0]{dir}/queue" }
# A directory with Postfix's commands (postconf, postmap, sendmail, …) for this configuration;
# put first in PATH, it stands in for an installed Postfix.
sub bin_directory { "$_[0]{dir}/bin" }
sub dir { $_[0]{dir} }
sub sink { $_[0]{sink} }
sub version { $_[0]{programs}{mail_version} }
sub has_pcre { defined $_[0]{programs}{pcre} }

# The port of a listener: smtp (the preset), submission, or a name from `listeners`.
sub port { $_[0]{ports}{ $_[1] // 'smtp' } }

sub make_queue {
    my ($self) = @_;
    my $queue = $self->queue_directory;
    my $owner = getpwnam $self->{mail_owner};
    my $group = getgrnam $self->{setgid_group};
    my %mode = (pid => 0755, public => 0710, maildrop => 0730);

    for my $name (qw(pid public maildrop private active bounce corrupt defer deferred flush hold
                     incoming saved trace)) {
        mkdir "$queue/$name" or die "$queue/$name: $!\n";
        chmod $mode{$name} // 0700, "$queue/$name";
        chown $owner, $name =~ /^(?:public|maildrop)\z/ ? $group : 0, "$queue/$name"
            if $name ne 'pid';
    }
    chmod 0700, "$self->{dir}/data";
    chown $owner, 0, "$self->{dir}/data";
}

sub write_programs {
    my ($self) = @_;
    my $bin = $self->bin_directory;
    my $libraries = $self->{programs}{library_path};
    my $environment = 'MAIL_CONFIG=' . quote($self->config_directory)
        . (length $libraries ? ' LD_LIBRARY_PATH=' . quote($libraries) : '');
    my @names = qw(postconf postmap postalias postqueue postsuper postcat postkick postlog
        sendmail);

    for my $name (@names) {
        my $program = quote("$self->{programs}{command_directory}/$name");
        spew("$bin/$name", "#!/bin/sh\n$environment exec $program \"\$@\"\n");
        chmod 0755, "$bin/$name";
    }
    # Postfix takes a plugin from root's hands only, and the unpacked one may be anyone's.
    my $plugin = "$self->{dir}/etc/postfix-pcre.so";
    spew($plugin, slurp($self->{programs}{pcre})) if $self->has_pcre;
    spew("$self->{dir}/etc/dynamicmaps.cf", $self->has_pcre ? "pcre $plugin dict_pcre_open\n" : '');
}

sub quote {
    my ($text) = @_;
    $text =~ s/'/'\\''/g;
    return "'$text'";
}

sub write_config {
    my ($self) = @_;
    my %params = ($self->presets, %{ $self->{opt}{params} || {} });

    $self->file('etc/main.cf', join '', map { "$_ = $params{$_}\n" } sort keys %params);
    $self->file('etc/master.cf', $self->services);
}

# Writes a file (a table, say) into its directory, returns the path.
sub file {
    my ($self, $name, $text) = @_;
    my $path = spew("$self->{dir}/$name", $text);

    # Postfix waits for two seconds when a file looks as if it were being edited.
    utime time - 60, time - 60, $path;
    return $path;
}

sub presets {
    my ($self) = @_;
    my $programs = $self->{programs};
    my $sink = 'lmtp:inet:127.0.0.1:' . $self->{sink}->port;
    my $milters = $self->{opt}{milters} // '';
    my $libraries = length $programs->{library_path}
        ? " { LD_LIBRARY_PATH=$programs->{library_path} }" : '';

    return (
        compatibility_level => '3.6',
        config_directory    => $self->config_directory,
        queue_directory     => $self->queue_directory,
        data_directory      => "$self->{dir}/data",
        meta_directory      => $self->config_directory,
        (map { $_ => $programs->{$_} } qw(command_directory daemon_directory shlib_directory)),
        sendmail_path       => "$programs->{command_directory}/sendmail",
        (map { $_ => $self->{$_} } qw(mail_owner setgid_group default_privs)),
        import_environment  => "MAIL_CONFIG TZ LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME$libraries",
        export_environment  => "TZ MAIL_CONFIG LANG$libraries",
        maillog_file          => "$self->{dir}/log/maillog",
        maillog_file_prefixes => "$self->{dir}/log",
        syslog_name           => 'postfix',
        inet_interfaces     => '127.0.0.1' . ($self->{opt}{ipv6} ? ', ::1' : ''),
        inet_protocols      => $self->{opt}{ipv6} ? 'all' : 'ipv4',
        myhostname          => 'mx.test.example',
        mydestination       => '$myhostname, localhost, test.example',
        mynetworks          => '127.0.0.0/8, [::1]/128',
        alias_maps          => '',
        alias_database      => '',
        local_recipient_maps => '',
        (map { $_ . '_transport' => $sink } qw(local virtual relay default)),
        smtpd_relay_restrictions => 'check_client_access static:OK, reject',
        smtpd_authorized_xclient_hosts => '127.0.0.1, [::1]',
        smtpd_milters       => $milters,
        non_smtpd_milters   => $milters,
        disable_dns_lookups => 'yes',
        smtpd_error_sleep_time => '0s',
        smtpd_soft_error_limit => '1000',
        smtpd_hard_error_limit => '1000',
        smtpd_client_connection_count_limit => '0',
        in_flow_delay       => '0s',
        notify_classes      => '',
        smtpd_tls_security_level => 'none',
        smtp_tls_security_level  => 'none',
    );
}

sub services {
    my ($self) = @_;
    my $opt = $self->{opt};
    my %listeners = (%{ $opt->{listeners} || {} }, map { $_ => $opt->{$_} } qw(smtp submission));
    my @addresses = ('127.0.0.1', $opt->{ipv6} ? '[::1]' : ());
    my $text = '';

    for my $name (sort keys %listeners) {
        my %params = (syslog_name => $name eq 'smtp' ? 'postfix' : "postfix/$name",
                      %{ $listeners{$name} || {} });
        my $options = join '', map { "  -o { $_ = $params{$_} }\n" } sort keys %params;
        $text .= "$_:$self->{ports}{$name} inet n - n - - smtpd\n$options" for @addresses;
    }
    return $text . <<'END' . ($opt->{master} // '');
pickup    unix n - n 60    1 pickup
cleanup   unix n - n -     0 cleanup
qmgr      unix n - n 300   1 qmgr
rewrite   unix - - n -     - trivial-rewrite
bounce    unix - - n -     0 bounce
defer     unix - - n -     0 bounce
trace     unix - - n -     0 bounce
verify    unix - - n -     1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n -     - proxymap
smtp      unix - - n -     - smtp
relay     unix - - n -     - smtp
lmtp      unix - - n -     - lmtp
local     unix - n n -     - local
virtual   unix - n n -     - virtual
error     unix - - n -     - error
retry     unix - - n -     - error
discard   unix - - n -     - discard
showq     unix n - n -     - showq
anvil     unix - - n -     1 anvil
scache    unix - - n -     1 scache
tlsmgr    unix - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n - 1 postlogd
END
}

# Starts master(8) and returns when it listens. Dies with the log if it does not. A port lost to
# another process since new() is replaced.
sub start {
    my ($self) = @_;

    for my $try (1 .. 3) {
        return $self if $self->start_once;
        last if $self->log !~ /bind .*: Address already in use/;
        $self->{ports}{$_} = free_port() for keys %{ $self->{ports} };
        $self->write_config;
        unlink "$self->{dir}/log/maillog";
    }
    die "Postfix does not start:\n" . slurp("$self->{dir}/log/stderr") . $self->log;
}

sub start_once {
    my ($self) = @_;
    my $libraries = $self->{programs}{library_path};
    my $from = length $self->log;
    my $ended;

    $self->{pid} = spawn(
        ["$self->{programs}{daemon_directory}/master", '-c', $self->config_directory],
        env => { MAIL_CONFIG => $self->config_directory, POSTLOG_SERVICE => 'postlog',
                 length $libraries ? (LD_LIBRARY_PATH => $libraries) : () },
        stderr => "$self->{dir}/log/stderr", setsid => 0);
    at_end("$self", sub { $self->stop });
    wait_until(20, sub {
        $ended = waitpid($self->{pid}, WNOHANG) != 0;
        return $ended || substr($self->log, $from) =~ /daemon started/;
    });
    return 1 if !$ended && substr($self->log, $from) =~ /daemon started/;
    $self->stop;
    return 0;
}

# Stops every process of this Postfix. True if all were gone in time by themselves.
sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return 1;

    not_at_end("$self");
    return defined stop_process($pid, 'TERM', 20);
}

# New parameters for a running Postfix, as postconf -e and postfix reload.
sub reload {
    my ($self, %params) = @_;
    my $from = length $self->log;
    my @old = $self->children;

    %{ $self->{opt}{params} } = (%{ $self->{opt}{params} || {} }, %params);
    $self->write_config;
    kill 'HUP', $self->{pid};
    wait_until(20, sub { substr($self->log, $from) =~ /master\[\d+\]: reload / })
        or die "Postfix does not reload\n";
    # One that still runs may answer the next client, by its former rules.
    wait_until(20, sub { !grep { -e "/proc/$_" } @old }) or die "Postfix keeps an old process\n";
}

# The processes that its master has started.
sub children {
    my ($self) = @_;
    my @pids;
    for my $path (glob "/proc/[0-9]*/stat") {
        open my $stat, '<', $path or next;
        my ($pid, $parent) = (<$stat> // '') =~ /^(\d+) \(.*\) \S (\d+)/ or next;
        push @pids, $pid if $parent == $self->{pid};
    }
    return @pids;
}

# Runs one of Postfix's commands under this configuration: (exit status, stdout, stderr).
sub command {
    my ($self, $name, $args, $stdin) = @_;
    return run_command([$self->bin_directory . "/$name", @{ $args || [] }], stdin => $stdin);
}

# Submits a message by sendmail(1): (exit status, what it printed).
sub sendmail {
    my ($self, $args, $message) = @_;
    my ($status, $out, $err) = $self->command('sendmail', $args, $message);
    return ($status, $out . $err);
}

# postmap -q KEY TYPE:FILE: (exit status, value and newline, warnings).
sub postmap_query {
    my ($self, $map, $key, $stdin, @flags) = @_;
    return $self->command('postmap', [@flags, '-q', $key, $map], $stdin);
}

# The value of a parameter, as this Postfix sees it.
sub postconf {
    my ($self, $name) = @_;
    my (undef, $out) = $self->command('postconf', ['-h', $name]);
    chomp $out;
    return $out;
}

# The queue: a list of hashes queue_name (active, deferred, hold, …), queue_id, sender,
# recipients (list of {address}), message_size.
sub queue {
    my ($self) = @_;
    my (undef, $out) = $self->command('postqueue', ['-j']);
    return map { JSON::PP->new->utf8->decode($_) } split /\n/, $out;
}

# The message of that queue id wherever it is in the queue, headers and body, undef if nowhere.
sub queued_message {
    my ($self, $queue_id) = @_;
    my ($status, $out) = $self->command('postcat', ['-hb', '-q', $queue_id]);
    return $status == 0 ? $out : undef;
}

# Waits until nothing is left to deliver (held mail may stay). True if so within `seconds`.
sub drained {
    my ($self, $seconds) = @_;
    return wait_until($seconds // 20, sub { !grep { $_->{queue_name} ne 'hold' } $self->queue });
}

sub log { slurp("$_[0]{dir}/log/maillog") }

# The first log line since the last mark_log() that matches; waits at most `seconds` (20), then
# undef.
sub wait_log {
    my ($self, $pattern, $seconds) = @_;
    my $line;

    wait_until($seconds // 20, sub {
        ($line) = grep { $_ =~ $pattern } split /\n/, substr $self->log, $self->{mark};
        return defined $line;
    });
    return $line;
}

sub mark_log { $_[0]{mark} = length $_[0]->log }

# Messages that were delivered; see Tamis::Sink.
sub mails   { my $self = shift; return $self->{sink}->mails(@_) }
sub mail_of { my $self = shift; return $self->{sink}->mail_of(@_) }

1;
